"""How jobs come in: from clients, as follow-ups of a settled job, and from schedules."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...model.ident import JobRef
from ...model.job import NewJob, Receipt, pending_score
from ...model.states import State
from ..sql.codec import CODES
from .statements import SQL
from .transaction import Transaction


def add(tx: Transaction, jobs: Sequence[NewJob]) -> list[Receipt]:
    """Store those that are new; answers in the order given."""
    if not jobs:
        return []
    last = tx.db.execute(SQL["job_last"]).fetchone()[0]
    entrances = [_entrance(job, tx.now_ms) for job in jobs]
    rows = [
        (id, tx.queue(job.queue).id, job.raw, CODES[state], score, job.task, job.priority, job.max_attempts,
         tx.now_ms, ready_ms, job.unique_key)
        for id, (job, (state, score, ready_ms)) in enumerate(zip(jobs, entrances, strict=True), last + 1)
    ]  # fmt: skip
    stored = tx.db.executemany(SQL["job_add"], rows).rowcount
    created = _created(tx, last, stored, len(jobs))
    bodies = [(id, job.arguments, job.options) for id, job in enumerate(jobs, last + 1) if id in created]
    tx.db.executemany(SQL["body_add"], bodies)
    for id, (job, entrance) in enumerate(zip(jobs, entrances, strict=True), last + 1):
        if id in created:
            queue = tx.queue(job.queue)
            queue.is_known = 1
            queue.arrived(entrance[0])
    return [
        Receipt(job.ref, created=True) if id in created else Receipt(_in_its_place(tx, job), created=False)
        for id, job in enumerate(jobs, last + 1)
    ]


def _entrance(job: NewJob, now_ms: int) -> tuple[State, int, int]:
    """State, score and ready time of a job that comes in now."""
    due_ms = job.run_at_ms or now_ms + job.delay_ms
    if due_ms > now_ms:
        return State.SCHEDULED, due_ms, 0
    return State.PENDING, pending_score(job.priority, now_ms), now_ms


def _created(tx: Transaction, last: int, stored: int, offered: int) -> Collection[int]:
    """The row numbers that were given; asked of the store only when some were refused."""
    if stored == offered:
        return range(last + 1, last + 1 + offered)
    return {id for (id,) in tx.db.execute(SQL["job_added"], (last,))}


def _in_its_place(tx: Transaction, job: NewJob) -> JobRef:
    """The job that is there instead: itself, sent before, or the one that holds its unique key."""
    queue = tx.queue(job.queue).id
    if tx.db.execute(SQL["job_exists"], (queue, job.raw)).fetchone():
        return job.ref
    (holder,) = tx.db.execute(SQL["unique_holder"], (queue, job.unique_key)).fetchone()
    return JobRef(job.queue, holder)
