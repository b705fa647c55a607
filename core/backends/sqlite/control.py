"""What operators do to jobs and queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...model.ident import JobRef
from ...model.operation import is_among, with_newest
from ...model.states import EFFECTS, FINAL, Effect, State, Verb
from ..contract import Acted
from ..sql.codec import CODES, STATES, score_of
from .retention import drop_before
from .statements import SQL
from .transaction import QueueRow, Transaction


class _Subject(NamedTuple):
    """A job that a verb is applied to."""

    id: int
    state: int
    score: int
    priority: int
    ready_ms: int
    attempts: int
    forgiven: int
    unique_key: str
    operations: str


def act(tx: Transaction, verb: Verb, name: str, raws: Sequence[bytes], operation: str, reason: str) -> list[Acted]:
    """One after the other: two of them may want the same unique key."""
    return [_act(tx, verb, JobRef(name, raw), operation, reason) for raw in raws]


def pause(tx: Transaction, name: str, reason: str) -> None:
    queue = tx.queue(name)
    if not queue.is_paused:
        queue.is_known, queue.is_paused, queue.paused_ms = 1, 1, tx.now_ms
    queue.paused_reason = reason


def resume(tx: Transaction, name: str) -> None:
    queue = tx.find_queue(name)
    if queue is not None:
        queue.is_paused, queue.paused_reason, queue.paused_ms = 0, "", 0


def purge(tx: Transaction, name: str, state: State, before_ms: int, limit: int) -> int:
    queue = tx.find_queue(name)
    if queue is None or state is State.RUNNING:
        return 0
    return drop_before(tx, queue, state, before_ms=before_ms, limit=limit)


def _act(tx: Transaction, verb: Verb, ref: JobRef, operation: str, reason: str) -> Acted:
    queue = tx.find_queue(ref.queue)
    row = tx.db.execute(SQL["act_find"], (queue.id, ref.raw)).fetchone() if queue else None
    if queue is None or row is None:
        return Acted(ref, applied=False, before=None, after=None)
    job = _Subject._make(row)
    before = STATES[job.state]
    if is_among(operation, job.operations):
        return Acted(ref, applied=True, before=before, after=before)
    after = _apply(tx, queue, job, EFFECTS[verb][before], operation, reason)
    return Acted(ref, applied=after is not None, before=before, after=after or before)


def _apply(
    tx: Transaction, queue: QueueRow, job: _Subject, effect: Effect, operation: str, reason: str
) -> State | None:
    """The state that the job is in then; None when the effect does not apply."""
    if effect in (Effect.CONFLICT, Effect.COPY):
        return None
    operations = with_newest(operation, job.operations)
    if effect is Effect.ASK:
        tx.db.execute(SQL["ask"], (operations, job.id))
        return State.RUNNING
    if effect is not Effect.CANCEL and not _may_live_again(tx, queue, job):
        return None
    state = State.CANCELLED if effect is Effect.CANCEL else State.PENDING
    score = score_of(state, priority=job.priority, now_ms=tx.now_ms)
    ready_ms = tx.now_ms if state is State.PENDING else job.ready_ms
    forgiven = job.attempts if effect is Effect.RUN_AFRESH else job.forgiven
    tx.db.execute(SQL["act"], (CODES[state], score, ready_ms, forgiven, reason, operations, job.id))
    queue.left(STATES[job.state])
    queue.arrived(state)
    return state


def _may_live_again(tx: Transaction, queue: QueueRow, job: _Subject) -> bool:
    """Whether its unique key is free, if it had to give it up."""
    if not job.unique_key or STATES[job.state] not in FINAL:
        return True
    return tx.db.execute(SQL["unique_holder"], (queue.id, job.unique_key)).fetchone() is None
