"""A page of one state over several queues: each queue's line walked from the cursor, merged, cut."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice

from ...model.job import NewJob
from ...model.states import FINAL
from ..contract import Cursor, Page, PageQuery, Sweep
from .queue import MemoryQueue
from .record import Record

_BEHIND_ALL_IDS = b"\xff" * 15


def page_of(queues: Sequence[MemoryQueue], query: PageQuery) -> Page:
    backwards = query.before is not None
    descending = (query.state in FINAL) != backwards
    walks = [_walk(queue, query, descending=descending) for queue in queues]
    merged = heapq.merge(*walks, key=_place, reverse=descending)
    bound = query.scan_limit if query.task or query.having else query.limit
    looked = list(islice(merged, bound + 1))
    found, scanned = _find(looked[:bound], query)
    far = _cursor(looked[scanned - 1]) if len(looked) > scanned > 0 else None
    near = _cursor(found[0]) if found and (backwards or query.after) else None
    return Page(
        jobs=[record.as_stored(whole=False) for record in (found[::-1] if backwards else found)],
        next=near if backwards else far,
        previous=far if backwards else near,
        scanned=scanned,
        exhausted=far is None or len(found) == query.limit,
    )


def _walk(queue: MemoryQueue, query: PageQuery, *, descending: bool) -> Iterator[Record]:
    """One queue's records on the asked side of the cursor, in the order of the walk; only those that are looked at."""
    edge, line = query.before or query.after, queue.lines[query.state]
    place = None if edge is None else (edge.score, _tie(edge, queue.name))
    return (queue.records[raw] for _, raw in line.walk(place, descending=descending))


def _tie(edge: Cursor, queue: str) -> bytes:
    """Where a score equal to the cursor's is cut: places compare by (score, queue, raw)."""
    if queue == edge.queue:
        return edge.raw
    return _BEHIND_ALL_IDS if queue < edge.queue else b""


def _find(looked: Sequence[Record], query: PageQuery) -> tuple[list[Record], int]:
    """The wanted ones up to the limit, and how many were looked at for them."""
    found: list[Record] = []
    for scanned, record in enumerate(looked):
        if len(found) == query.limit:
            return found, scanned
        if _is_wanted(record.new.task, query.task) and _has(record.new, query.having):
            found.append(record)
    return found, len(looked)


def _is_wanted(task: str, pattern: str) -> bool:
    return not pattern or (task.startswith(pattern[:-1]) if pattern.endswith("*") else task == pattern)


def _has(job: NewJob, needles: Sequence[bytes]) -> bool:
    return all(needle in job.arguments or needle in job.options for needle in needles)


def query_of(sweep: Sweep) -> PageQuery:
    """The walk of a sweep's chunk."""
    return PageQuery(
        state=sweep.state,
        queues=(sweep.queue,),
        task=sweep.task,
        after=sweep.after,
        limit=sweep.limit,
        scan_limit=sweep.scan_limit,
    )


def _place(record: Record) -> tuple[int, str, bytes]:
    return (record.score, record.new.queue, record.new.raw)


def _cursor(record: Record) -> Cursor:
    return Cursor(*_place(record))
