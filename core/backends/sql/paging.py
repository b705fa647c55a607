"""A page of one state over several queues: each queue walked from the cursor, the walks merged, then cut."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ...model.states import FINAL
from ..contract import Cursor, PageQuery, Sweep

_BEHIND_ALL_IDS = b"\xff" * 15
_BEHIND_ALL_SCORES = (1 << 63) - 1


class Place(NamedTuple):
    """A job met on a walk; `key` finds its row. has: it contains the bytes that PageQuery.having asks for."""

    score: int
    queue: str
    raw: bytes
    task: str
    key: int
    has: int = 1


class Cut(NamedTuple):
    """The places of one page in natural order, and what the page says of its neighbours."""

    places: Sequence[Place]
    next: Cursor | None
    previous: Cursor | None
    scanned: int
    exhausted: bool


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


def is_descending(query: PageQuery) -> bool:
    """Which way the index is walked: final states newest first, and the other way round before a cursor."""
    return (query.state in FINAL) != (query.before is not None)


def edge_of(query: PageQuery, queue: str) -> tuple[int, bytes]:
    """The (score, raw) that a queue's walk starts behind; places compare by (score, queue, raw)."""
    edge = query.before or query.after
    if edge is None:
        return (_BEHIND_ALL_SCORES, b"") if is_descending(query) else (-1, b"")
    if queue == edge.queue:
        return edge.score, edge.raw
    return edge.score, _BEHIND_ALL_IDS if queue < edge.queue else b""


def bound_of(query: PageQuery) -> int:
    """How many jobs are looked at: with a task or bytes in mind as many as a scan may, else one page."""
    return query.scan_limit if query.task or query.having else query.limit


def cut(walks: Sequence[Iterator[Place]], query: PageQuery) -> Cut:
    """Merge the walks, keep what is wanted up to the limit; one place more is read to know whether there is more."""
    backwards, bound = query.before is not None, bound_of(query)
    merged = heapq.merge(*walks, key=_order, reverse=is_descending(query))
    found: list[Place] = []
    last, scanned = None, 0
    more = False
    for place in islice(merged, bound + 1):
        if scanned == bound or len(found) == query.limit:
            more = True
            break
        last, scanned = place, scanned + 1
        if place.has and _is_wanted(place.task, query.task):
            found.append(place)
    far = _cursor(last) if more and last else None
    near = _cursor(found[0]) if found and (backwards or query.after) else None
    exhausted = far is None or len(found) == query.limit
    if backwards:
        return Cut(found[::-1], near, far, scanned, exhausted)
    return Cut(found, far, near, scanned, exhausted)


def _is_wanted(task: str, pattern: str) -> bool:
    return not pattern or (task.startswith(pattern[:-1]) if pattern.endswith("*") else task == pattern)


def _order(place: Place) -> tuple[int, str, bytes]:
    return place[:3]


def _cursor(place: Place) -> Cursor:
    return Cursor(*place[:3])
