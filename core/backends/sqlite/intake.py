"""How jobs come in: from clients, as follow-ups of a settled job, from schedules, and from another store."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...model.ident import JobRef
from ...model.job import NewJob, Receipt, StoredJob, pending_score, ready_ms_of
from ...model.states import State
from ..sql.codec import CODES, pack_gate, pack_list
from . import gates, keys
from .statements import SQL
from .transaction import QueueRow, Transaction


def add(tx: Transaction, jobs: Sequence[NewJob]) -> list[Receipt]:
    """Store those that are new; answers in the order given."""
    if not any(job.unique_key for job in jobs):
        return [Receipt(job.ref, created) for job, created in zip(jobs, _store(tx, jobs), strict=True)]
    holders = _holders(tx, jobs)
    stored = iter(_store(tx, [job for job, holder in zip(jobs, holders, strict=True) if holder is None]))
    return [
        Receipt(job.ref, next(stored)) if holder is None else Receipt(JobRef(job.queue, holder), created=False)
        for job, holder in zip(jobs, holders, strict=True)
    ]


def adopt(tx: Transaction, name: str, jobs: Sequence[StoredJob]) -> list[bool]:
    """Store jobs of another store as they are; whether each was new here."""
    for job in jobs:
        if job.state is State.RUNNING:
            raise ValueError(f"{job.ref} is running: only a job that rests can be adopted")
    queue = tx.queue(name)
    return [_adopt(tx, queue, job) for job in jobs]


def _store(tx: Transaction, jobs: Sequence[NewJob]) -> Sequence[bool]:
    """Whether each was stored, its id being new."""
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
    plain, special = [], []
    for id, (job, (state, _, _)) in enumerate(zip(jobs, entrances, strict=True), last + 1):
        if id in created:
            queue = tx.queue(job.queue)
            queue.is_known = 1
            queue.arrived(state)
            if job.gate is None and not job.unique:
                plain.append((id, job.arguments, job.options))
            else:
                terms = (int(job.unique), keys.until_ms(job, tx.now_ms), pack_gate(job.gate))
                special.append((id, job.arguments, job.options, *terms))
    tx.db.executemany(SQL["body_add"], plain)
    tx.db.executemany(SQL["body_add_terms"], special)
    return [id in created for id in range(last + 1, last + 1 + len(jobs))]


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


def _holders(tx: Transaction, jobs: Sequence[NewJob]) -> list[bytes | None]:
    """The ids that are in the way of each: its own, sent before, or that of the job that has its unique key.

    Who finds nobody in the way has its key from here on.
    """
    offered: set[JobRef] = set()  # a batch may name an id twice, with and without a key
    holders: list[bytes | None] = []
    for job in jobs:
        found = _in_the_way(tx, job, offered) if job.unique_key else None
        holders.append(found)
        if found is None:
            offered.add(job.ref)
    return holders


def _in_the_way(tx: Transaction, job: NewJob, offered: set[JobRef]) -> bytes | None:
    queue = tx.queue(job.queue)
    if job.ref in offered or tx.db.execute(SQL["job_exists"], (queue.id, job.raw)).fetchone():
        return job.raw
    holder = keys.holder(tx, queue, job.unique_key)
    if holder is None:
        keys.give(tx, queue, job)
    return holder


def _adopt(tx: Transaction, queue: QueueRow, job: StoredJob) -> bool:
    raw = job.ref.raw
    if tx.db.execute(SQL["job_exists"], (queue.id, raw)).fetchone():
        return False
    id = tx.db.execute(SQL["job_last"]).fetchone()[0] + 1
    ready_ms = ready_ms_of(job.score) if job.state is State.PENDING else job.enqueued_ms
    has_note = job.progress is not None or bool(job.checkpoint or job.log)
    tx.db.execute(
        SQL["job_adopt"],
        (id, queue.id, raw, CODES[job.state], job.score, job.task, job.priority, job.max_attempts, job.enqueued_ms,
         ready_ms, job.unique_key, job.held_at, job.attempts, job.forgiven, job.losses, job.crashes, job.reason,
         has_note),
    )  # fmt: skip
    terms = (int(job.unique), job.unique_until_ms, pack_gate(job.gate))
    tx.db.execute(SQL["body_add_terms"], (id, job.arguments, job.options, *terms))
    if job.lines or job.result is not None or job.error is not None:
        newest = job.lines[-1] if job.lines else b""
        tx.db.execute(SQL["ending_adopt"], (id, job.result, job.error, newest, pack_list(job.lines[:-1])))
    if has_note:
        tx.db.execute(SQL["note_save"], (id, job.progress, job.checkpoint, job.log))
    if job.held_at:
        gates.line_up(tx, queue, job.gate, job.held_at)
    keys.give_adopted(tx, queue, job)
    queue.is_known = 1
    queue.arrived(job.state)
    return True
