"""What readers see: numbers, jobs, pages, journals, minutes; each at one moment of the store."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from ...model.ident import JobRef
from ...model.job import StoredJob, ready_ms_of
from ..contract import JournalEntry, Page, PageQuery, QueueCounts
from ..sql.codec import CODES, STATES, JobRow
from ..sql.paging import Place, bound_of, cut, edge_of, is_descending
from .statements import SQL, Listed

_GET = Listed("get")
_PAGE_ROWS = Listed("page_rows")
_READY = Listed("ready")


def counts(db: sqlite3.Connection) -> list[QueueCounts]:
    return [_counts(row) for row in db.execute(SQL["counts"])]


def get(db: sqlite3.Connection, refs: Sequence[JobRef]) -> list[StoredJob | None]:
    wanted: dict[str, list[bytes]] = defaultdict(list)
    for ref in refs:
        wanted[ref.queue].append(ref.raw)
    rows = (JobRow._make(row) for queue, raws in wanted.items() for row in _GET.rows(db, (queue,), raws))
    found = {(row.queue, row.raw): row.as_stored() for row in rows}
    return [found.get(ref) for ref in refs]


def page(db: sqlite3.Connection, query: PageQuery) -> Page:
    ids = dict(db.execute(SQL["queue_ids"]).fetchall())
    names = query.queues or tuple(ids)
    part = cut([_walk(db, query, name, ids[name]) for name in names if name in ids], query)
    rows = (JobRow._make(row) for row in _PAGE_ROWS.rows(db, (), [place.key for place in part.places]))
    jobs = {(row.queue, row.raw): row.as_stored() for row in rows}
    return Page(
        jobs=[jobs[place.queue, place.raw] for place in part.places],
        next=part.next,
        previous=part.previous,
        scanned=part.scanned,
        exhausted=part.exhausted,
    )


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
    for pending, scheduled_ms, failed_ms in _READY.rows(db, (), queues):
        times += [0] if pending else [due for due in (scheduled_ms, failed_ms) if due is not None]
    return min(times, default=None)


def _counts(row: Sequence[Any]) -> QueueCounts:
    name, totals, pause = row[1], row[11:14], row[15:18]
    head, failures, completed = row[20:]
    return QueueCounts(
        queue=name,
        states=dict(zip(STATES, row[3:11], strict=True)),
        processed=totals[0],
        failures=totals[1],
        last_processed_ms=totals[2],
        oldest_pending_ms=0 if head is None else ready_ms_of(head),
        is_paused=bool(pause[0]),
        paused_reason=pause[1],
        paused_ms=pause[2],
        journal_failures="" if failures is None else str(failures),
        journal_completed="" if completed is None else str(completed),
    )


def _walk(db: sqlite3.Connection, query: PageQuery, name: str, queue: int) -> Iterator[Place]:
    statement = SQL["page_backward" if is_descending(query) else "page_forward"]
    bounds = (name, queue, CODES[query.state], *edge_of(query, name), bound_of(query) + 1)
    return (Place._make(row) for row in db.execute(statement, bounds))
