"""What readers see: numbers, jobs, pages, journals, minutes; each at one moment of the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from msgspec.structs import replace

from ...model.ident import JobRef
from ...model.job import StoredJob, ready_ms_of
from ...model.limits import TOLD_TASKS
from ..contract import JournalEntry, Page, PageQuery, QueueCounts
from ..sql.codec import STATES, JobRow
from ..sql.paging import Cut, Place, cut
from .transaction import Transaction
from .walk import walk

_LOOKED_INTO_AT_ONCE: Final = 500


def counts(tx: Transaction) -> list[QueueCounts]:
    return [_counts(row) for row in tx.all("counts", told=TOLD_TASKS)]


def get(tx: Transaction, refs: Sequence[JobRef]) -> list[StoredJob | None]:
    once = list(dict.fromkeys(refs))
    names, raws = [ref.queue for ref in once], [ref.raw for ref in once]
    found: dict[JobRef, StoredJob] = {}
    for *columns, lines in tx.all("get", names=names, raw=raws, oldest=tx.oldest(raws)):
        job = JobRow(*columns).as_stored()
        found[job.ref] = replace(job, lines=tuple(lines))
    return [found.get(ref) for ref in refs]


def page(tx: Transaction, query: PageQuery) -> Page:
    part = places(tx, query, dict(tx.all("queue_ids")))
    jobs = _rows(tx, query, part.places)
    return Page(
        jobs=[jobs[place.queue, place.raw] for place in part.places],
        next=part.next,
        previous=part.previous,
        scanned=part.scanned,
        exhausted=part.exhausted,
    )


def places(tx: Transaction, query: PageQuery, ids: Mapping[str, int]) -> Cut:
    """Where the jobs of a page stand. ids: the queues that there are, and their numbers."""
    names = [name for name in query.queues or ids if name in ids]
    met = walk(tx, query, names, ids)
    return cut([_marked(tx, query, met) if query.having else met], query)


def ahead(tx: Transaction, ref: JobRef, limit: int) -> int | None:
    row = tx.find("ahead", name=ref.queue, raw=ref.raw, limit=limit)
    return row[0] if row else None


def journal(tx: Transaction, queue: str, stream: str, after: str, limit: int) -> list[JournalEntry]:
    rows = tx.all("journal_read", name=queue, stream=stream, after=int(after or 0), limit=limit)
    return [JournalEntry(str(position), lines) for position, lines in rows]


def minutes(tx: Transaction, queue: str, since: int) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for minute, metric, n in tx.all("minute_read", name=queue, since=since):
        found.setdefault(minute, {})[metric] = n
    return found


def seconds_to_work(tx: Transaction, queues: Sequence[str]) -> float | None:
    """0 when one of the queues has work, else until the next of their jobs is due; None while nothing waits."""
    (due_ms,) = tx.one("ready", names=list(queues))
    return None if due_ms is None else max(0, due_ms - tx.now_ms) / 1000


def _counts(row: Sequence[Any]) -> QueueCounts:
    name, states, totals, pause = row[0], row[1:9], row[9:12], row[12:15]
    head, failures, completed, awaited = row[15:]
    return QueueCounts(
        queue=name,
        states=dict(zip(STATES, states, strict=True)),
        processed=totals[0],
        failures=totals[1],
        last_processed_ms=totals[2],
        oldest_pending_ms=0 if head is None else ready_ms_of(head),
        is_paused=pause[0],
        paused_reason=pause[1],
        paused_ms=pause[2],
        awaited=awaited,
        journal_failures="" if failures is None else str(failures),
        journal_completed="" if completed is None else str(completed),
    )


def _marked(tx: Transaction, query: PageQuery, places: Iterator[Place]) -> Iterator[Place]:
    """The places of a walk, with whether each has the bytes that are asked for; looked at a part at a time, since most
    pages are full long before the walk is over."""
    name = "having_finished" if query.state.is_final else "having_live"
    while part := list(islice(places, _LOOKED_INTO_AT_ONCE)):
        columns = {"queues": [place.key for place in part], "raw": [place.raw for place in part]}
        if query.state.is_final:
            columns["score"] = [place.score for place in part]
        having = {place for (place,) in tx.all(name, needles=list(query.having), **columns)}
        yield from (place._replace(has=number in having) for number, place in enumerate(part, 1))


def _rows(tx: Transaction, query: PageQuery, places: Sequence[Place]) -> dict[tuple[str, bytes], StoredJob]:
    if not places:
        return {}
    wanted = {"queues": [place.key for place in places], "raw": [place.raw for place in places]}
    if query.state.is_final:
        rows = tx.all("page_rows_finished", score=[place.score for place in places], **wanted)
    else:
        rows = tx.all("page_rows_live", **wanted)
    return {(row[0], row[1]): JobRow(*row).as_stored() for row in rows}
