"""A page of one state over several queues: each queue walked from the cursor, merged, cut.

A walk fetches places (score and raw id), not jobs; with a filter the server looks at the jobs where they are, in
stretches that are bounded by number and by bytes. The jobs of a page are read at its end.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from ...model.ident import JobRef
from ...model.job import StoredJob
from ...model.states import FINAL, State
from ..contract import Cursor, Page, PageQuery
from .codec import stored_job
from .keys import STATE_NUMBERS
from .link import Call, Link

_BEHIND_ALL_IDS: Final = b"\xff" * 15
_STEP: Final = 200  # places of one script call
_LOOK: Final = 500  # the same with a filter: small jobs take some 2 ms
LOOK_BYTES: Final = 1 << 20  # of their records, which may be large
_ROWS: Final = 100  # jobs of one script call


class Place(NamedTuple):
    """Where a job stands in its state; compares in natural order."""

    score: int
    queue: str
    raw: bytes
    is_wanted: bool = True


def read_page(link: Link, queues: Sequence[str], query: PageQuery) -> Page:
    backwards = query.before is not None
    descending = (query.state in FINAL) != backwards
    has_filter = bool(query.task or query.having)
    bound, step = (query.scan_limit, _LOOK) if has_filter else (query.limit, _STEP)
    walks = _start(link, queues, query, min(step, bound + 1), descending=descending)
    merged = heapq.merge(*walks, key=_order, reverse=descending)
    found, last, scanned, goes_on = _look(merged, query, bound)
    far = Cursor(last.score, last.queue, last.raw) if last and goes_on else None
    near = Cursor(found[0].score, found[0].queue, found[0].raw) if found and (backwards or query.after) else None
    return Page(
        jobs=_rows(link, query.state, found[::-1] if backwards else found),
        next=near if backwards else far,
        previous=far if backwards else near,
        scanned=scanned,
        exhausted=far is None or len(found) == query.limit,
    )


def _look(merged: Iterator[Place], query: PageQuery, bound: int) -> tuple[list[Place], Place | None, int, bool]:
    """The wanted places up to the limit, the last one looked at, how many were, and whether more stand behind it."""
    found: list[Place] = []
    last, scanned = None, 0
    for place in islice(merged, bound):
        if len(found) == query.limit:
            return found, last, scanned, True
        if place.is_wanted:
            found.append(place)
        last, scanned = place, scanned + 1
    return found, last, scanned, next(merged, None) is not None


def _start(
    link: Link, queues: Sequence[str], query: PageQuery, count: int, *, descending: bool
) -> list[Iterator[Place]]:
    """One walk a queue; the first steps of all of them go in one trip."""
    steps = [_Step(queue, query, count, descending) for queue in queues]
    edge = query.before or query.after
    firsts = link.run_all([step.call(_from(edge, step.queue)) for step in steps])
    return [_walk(link, step, first) for step, first in zip(steps, firsts, strict=True)]


class _Step(NamedTuple):
    """How a queue is walked."""

    queue: str
    query: PageQuery
    size: int
    descending: bool

    def call(self, place: tuple[int, bytes] | None) -> Call:
        score, raw = ("", b"") if place is None else place
        direction = "down" if self.descending else "up"
        query, state = self.query, STATE_NUMBERS[self.query.state]
        wanted = ("1", query.task, LOOK_BYTES, *query.having) if query.task or query.having else ("0",)
        return Call("places", self.queue, ("", state, direction, score, raw, self.size, *wanted))

    def places(self, flat: Sequence[bytes]) -> list[Place]:
        if not (self.query.task or self.query.having):
            return [Place(int(score), self.queue, raw) for raw, score in zip(flat[::2], flat[1::2], strict=True)]
        triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        return [Place(int(score), self.queue, raw, wanted == b"1") for raw, score, wanted in triples]


def _walk(link: Link, step: _Step, answer: Sequence[Any]) -> Iterator[Place]:
    while True:
        goes_on, flat = answer
        places = step.places(flat)
        yield from places
        if not goes_on:
            return
        [answer] = link.run_all([step.call((places[-1].score, places[-1].raw))])


def _from(edge: Cursor | None, queue: str) -> tuple[int, bytes] | None:
    """Where a queue is cut: places compare by (score, queue, raw)."""
    if edge is None:
        return None
    return edge.score, cut_at(edge, queue)


def cut_at(edge: Cursor, queue: str) -> bytes:
    """Where those of the cursor's score are cut."""
    if queue == edge.queue:
        return edge.raw
    return _BEHIND_ALL_IDS if queue < edge.queue else b""


def _rows(link: Link, state: State, places: Sequence[Place]) -> list[StoredJob]:
    """The jobs that still are where they were found, in the order given."""
    by_queue: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        by_queue[place.queue].append(place)
    parts = [(queue, of[at : at + _ROWS]) for queue, of in by_queue.items() for at in range(0, len(of), _ROWS)]
    number = STATE_NUMBERS[state]
    answers = link.run_all([Call("rows", queue, ("", number, *(p.raw for p in part))) for queue, part in parts])
    rows: dict[tuple[str, bytes], StoredJob] = {}
    for (queue, part), answer in zip(parts, answers, strict=True):
        for place, row in zip(part, answer, strict=True):
            if row is not None:
                score, record, live, line = row
                ref = JobRef(queue, place.raw)
                lines = (line,) if line else ()
                rows[queue, place.raw] = stored_job(ref, (state, int(score)), record, live, lines=lines)
    return [rows[place.queue, place.raw] for place in places if (place.queue, place.raw) in rows]


def _order(place: Place) -> tuple[int, str, bytes]:
    return place[:3]
