"""What operators do to the jobs of one queue in memory: verbs, sweeps, purges and withdrawals."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.ident import JobRef
from ...model.job import StoredJob
from ...model.limits import KEPT_OPERATIONS
from ...model.states import EFFECTS, FINAL, Effect, State, Verb
from ..contract import Acted, Sweep, Swept
from .page import page_of, query_of
from .queue import MemoryQueue
from .record import Record


def act(queue: MemoryQueue, verb: Verb, raw: bytes, operation: str, reason: str, now: int) -> Acted:
    record = queue.records.get(raw)
    if record is None:
        return Acted(JobRef(queue.name, raw), applied=False, before=None, after=None)
    before = record.state
    if operation in record.operations:
        return Acted(record.new.ref, applied=True, before=before, after=before)
    applied = _apply(queue, EFFECTS[verb][before], record, reason, now)
    if applied:
        record.operations = (operation, *record.operations)[:KEPT_OPERATIONS]
    queue.refill(now)
    return Acted(record.new.ref, applied=applied, before=before, after=record.state)


def _apply(queue: MemoryQueue, effect: Effect, record: Record, reason: str, now: int) -> bool:
    if effect in (Effect.CONFLICT, Effect.COPY):
        return False
    if effect is Effect.RUN_AFRESH and not queue.keys.give_again(record.new, now):
        return False
    if effect is Effect.ASK:
        record.cancel_asked = True
    elif effect is Effect.CANCEL:
        record.reason = reason
        queue.place(record, State.CANCELLED, now, now)
    else:
        if effect is Effect.RUN_AFRESH:  # what it was suspected of it still is
            record.forgiven, record.crashes, record.losses = record.attempts, 0, min(record.losses, 1)
        _run(queue, record, reason, now)
    return True


def _run(queue: MemoryQueue, record: Record, reason: str, now: int) -> None:
    """Pending as of now; who ordered it for a held job ordered it past its gate."""
    gate = record.new.gate if record.state is State.HELD else None
    record.reason, record.finished_ms = reason, 0
    queue.place(record, State.PENDING, now, now)
    if gate is not None:
        record.has_passed = True
        queue.gates.enter(gate, now)


def sweep(queue: MemoryQueue, sweep: Sweep, now: int) -> Swept:
    """Act on what a walk finds of the jobs that were there before the cut-off."""
    page = page_of([queue], query_of(sweep))
    entered = [job for job in page.jobs if job.entered_ms < sweep.before_ms]
    acted = [act(queue, sweep.verb, job.ref.raw, sweep.operation, sweep.reason, now) for job in entered]
    applied = sum(one.applied for one in acted)
    return Swept(applied=applied, refused=len(acted) - applied, scanned=page.scanned, next=page.next)


def purge(queue: MemoryQueue, state: State, before_ms: int, limit: int) -> int:
    records = (queue.records[raw] for _, raw in queue.lines[state].after(None))
    entered = (r for r in records if (r.finished_ms if state in FINAL else r.enqueued_ms) < before_ms)
    doomed = [record for record, _ in zip(entered, range(limit), strict=False)]
    for record in doomed:
        queue.delete(record)
    return len(doomed)


def assert_resting(jobs: Sequence[StoredJob]) -> None:
    """Refuse to adopt any when one of them runs."""
    for job in jobs:
        if job.state is State.RUNNING:
            raise ValueError(f"{job.ref} is running: only a job that rests can be adopted")


def withdraw(queue: MemoryQueue, jobs: Sequence[tuple[bytes, State, int]]) -> int:
    gone = 0
    for raw, state, score in jobs:
        record = queue.records.get(raw)
        if record is not None and (record.state, record.score) == (state, score):
            queue.delete(record)
            gone += 1
    return gone
