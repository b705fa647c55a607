"""What readers see: numbers, jobs, pages, journals, minutes; each at one moment of the store."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from ...model.gate import GateInfo
from ...model.ident import JobRef
from ...model.job import StoredJob, ready_ms_of
from ...model.states import State
from ..contract import JournalEntry, Page, PageQuery, QueueCounts
from ..sql.codec import CODES, STATES, JobRow
from ..sql.paging import Cut, Place, bound_of, cut, edge_of, is_descending
from .gate_rows import read_awaited, read_gate
from .statements import SQL, Listed, having

_GET = Listed("get")
_PAGE_ROWS = Listed("page_rows")
_READY = Listed("ready")


def counts(db: sqlite3.Connection) -> list[QueueCounts]:
    return [_counts(db, row) for row in db.execute(SQL["counts"]).fetchall()]


def get(db: sqlite3.Connection, refs: Sequence[JobRef]) -> list[StoredJob | None]:
    wanted: dict[str, list[bytes]] = defaultdict(list)
    for ref in refs:
        wanted[ref.queue].append(ref.raw)
    rows = (JobRow._make(row) for queue, raws in wanted.items() for row in _GET.rows(db, (queue,), raws))
    found = {(row.queue, row.raw): row.as_stored() for row in rows}
    return [found.get(ref) for ref in refs]


def page(db: sqlite3.Connection, query: PageQuery) -> Page:
    part = places(db, query)
    rows = (JobRow._make(row) for row in _PAGE_ROWS.rows(db, (), [place.key for place in part.places]))
    jobs = {(row.queue, row.raw): row.as_stored() for row in rows}
    return Page(
        jobs=[jobs[place.queue, place.raw] for place in part.places],
        next=part.next,
        previous=part.previous,
        scanned=part.scanned,
        exhausted=part.exhausted,
    )


def places(db: sqlite3.Connection, query: PageQuery) -> Cut:
    """Where the jobs of a page stand."""
    ids = dict(db.execute(SQL["queue_ids"]).fetchall())
    names = query.queues or tuple(ids)
    return cut([_walk(db, query, name, ids[name]) for name in names if name in ids], query)


def ahead(db: sqlite3.Connection, ref: JobRef, limit: int) -> int | None:
    place = db.execute(SQL["ahead_find"], (ref.queue, ref.raw)).fetchone()
    return None if place is None else int(db.execute(SQL["ahead"], (*place, limit)).fetchone()[0])


def gate(db: sqlite3.Connection, queue: str, name: str, now_ms: int) -> GateInfo | None:
    row = read_gate(db, queue, name)
    next_ms = row.passes_at_ms if row and row.passes_at_ms > now_ms else 0
    if row is None or not (row.used or row.waiting or next_ms):
        return None
    return GateInfo(gate=row.gate, used=row.used, waiting=row.waiting, next_ms=next_ms)


def journal(db: sqlite3.Connection, queue: str, stream: str, after: str, limit: int) -> list[JournalEntry]:
    rows = db.execute(SQL["journal_read"], (queue, stream, int(after or 0), limit))
    return [JournalEntry(str(position), lines) for position, lines in rows]


def minutes(db: sqlite3.Connection, queue: str, since: int) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for minute, metric, n in db.execute(SQL["minute_read"], (queue, since)):
        found.setdefault(minute, {})[metric] = n
    return found


def next_work(db: sqlite3.Connection, queues: Sequence[str]) -> int | None:
    """When one of the queues has work: 0 for now, a due time, or None while nothing waits."""
    times: list[int] = []
    for pending, *due in _READY.rows(db, (), queues):
        times += [0] if pending else [ms for ms in due if ms is not None]
    return min(times, default=None)


def _counts(db: sqlite3.Connection, row: Sequence[Any]) -> QueueCounts:
    name, totals, pause = row[1], row[11:14], row[15:18]
    head, failures, completed = row[20:]
    states = dict(zip(STATES, row[3:11], strict=True))
    return QueueCounts(
        queue=name,
        states=states,
        processed=totals[0],
        failures=totals[1],
        last_processed_ms=totals[2],
        oldest_pending_ms=0 if head is None else ready_ms_of(head),
        is_paused=bool(pause[0]),
        paused_reason=pause[1],
        paused_ms=pause[2],
        awaited=read_awaited(db, row[0]) if states[State.HELD] else (),
        journal_failures="" if failures is None else str(failures),
        journal_completed="" if completed is None else str(completed),
    )


def _walk(db: sqlite3.Connection, query: PageQuery, name: str, queue: int) -> Iterator[Place]:
    direction = "backward" if is_descending(query) else "forward"
    bounds = (queue, CODES[query.state], *edge_of(query, name), bound_of(query) + 1)
    if not query.having:
        return (Place(*row) for row in db.execute(SQL[f"page_{direction}"], (name, *bounds)))
    statement = having(SQL[f"search_{direction}"], len(query.having))
    needles = [needle for needle in query.having for _ in range(2)]
    return (Place(*row) for row in db.execute(statement, (name, *needles, *bounds)))
