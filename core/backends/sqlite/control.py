"""What operators do to jobs and queues: verbs, sweeps, purges and withdrawals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...model.ident import JobRef
from ...model.operation import is_among, with_newest
from ...model.states import EFFECTS, Effect, State, Verb
from ..contract import Acted, Sweep, Swept
from ..sql.codec import CODES, STATES, score_of, unpack_gate
from ..sql.paging import query_of
from . import gates, keys, look
from .retention import drop_before
from .statements import SQL
from .transaction import QueueRow, Transaction


class _Order(NamedTuple):
    """What an operator wants done to jobs."""

    verb: Verb
    operation: str
    reason: str


class _Subject(NamedTuple):
    """A job that a verb is applied to."""

    id: int
    raw: bytes
    state: int
    score: int
    priority: int
    enqueued_ms: int
    ready_ms: int
    unique_key: str
    unique_for: int
    gate: bytes | None
    has_passed: int
    held_at: str
    operations: str

    @property
    def entered_ms(self) -> int:
        return self.score if STATES[self.state].is_final else self.enqueued_ms


def act(tx: Transaction, verb: Verb, name: str, raws: Sequence[bytes], operation: str, reason: str) -> list[Acted]:
    """One after the other: two of them may want the same unique key."""
    queue, order = tx.find_queue(name), _Order(verb, operation, reason)
    return [_act(tx, queue, JobRef(name, raw), order) for raw in raws]


def sweep(tx: Transaction, sweep: Sweep) -> Swept:
    """Act on what a walk finds of the jobs that were there before the cut-off."""
    queue, order = tx.find_queue(sweep.queue), _Order(sweep.verb, sweep.operation, sweep.reason)
    if queue is None:
        return Swept(applied=0, refused=0, scanned=0)
    part = look.places(tx.db, query_of(sweep))
    verdicts = []
    for place in part.places:
        job = _find(tx, queue, place.raw)
        if job is not None and job.entered_ms < sweep.before_ms:
            verdicts.append(_obey(tx, queue, job, order) is not None)
    applied = sum(verdicts)
    return Swept(applied=applied, refused=len(verdicts) - applied, scanned=part.scanned, next=part.next)


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
    gone = drop_before(tx, queue, state, before_ms=before_ms, limit=limit)
    gates.refill(tx, queue)
    return gone


def withdraw(tx: Transaction, name: str, jobs: Sequence[tuple[bytes, State, int]]) -> int:
    """Delete jobs where they still are; answers how many."""
    queue = tx.find_queue(name)
    if queue is None:
        return 0
    gone = 0
    for raw, state, score in jobs:
        job = _find(tx, queue, raw)
        if job is not None and (STATES[job.state], job.score) == (state, score):
            keys.take_back(tx, queue, job.unique_key, raw)
            gates.leave(tx, queue, unpack_gate(job.gate), job.has_passed, job.held_at)
            tx.db.execute(SQL["job_drop"], (job.id,))
            queue.left(state)
            gone += 1
    gates.refill(tx, queue)
    return gone


def _act(tx: Transaction, queue: QueueRow | None, ref: JobRef, order: _Order) -> Acted:
    job = _find(tx, queue, ref.raw) if queue else None
    if queue is None or job is None:
        return Acted(ref, applied=False, before=None, after=None)
    before, after = STATES[job.state], _obey(tx, queue, job, order)
    return Acted(ref, applied=after is not None, before=before, after=after or before)


def _find(tx: Transaction, queue: QueueRow, raw: bytes) -> _Subject | None:
    row = tx.db.execute(SQL["act_find"], (queue.id, raw)).fetchone()
    return _Subject._make(row) if row else None


def _obey(tx: Transaction, queue: QueueRow, job: _Subject, order: _Order) -> State | None:
    """The state that the job is in then; None when the verb does not apply."""
    before = STATES[job.state]
    if is_among(order.operation, job.operations):
        return before
    effect = EFFECTS[order.verb][before]
    if effect in (Effect.CONFLICT, Effect.COPY):
        return None
    if effect is Effect.RUN_AFRESH and not keys.give_again(tx, queue, job.unique_key, job.unique_for, job.raw):
        return None
    if effect is Effect.ASK:
        tx.db.execute(SQL["ask"], (with_newest(order.operation, job.operations), job.id))
        return before
    after = State.CANCELLED if effect is Effect.CANCEL else State.PENDING
    _move(tx, queue, job, after, order)
    if effect is Effect.RUN_AFRESH:
        tx.db.execute(SQL["act_afresh"], (job.id,))
    gates.refill(tx, queue)
    return after


def _move(tx: Transaction, queue: QueueRow, job: _Subject, after: State, order: _Order) -> None:
    """Who orders a held job to run orders it past its gate."""
    gates.leave(tx, queue, unpack_gate(job.gate), job.has_passed, job.held_at)
    if after in keys.FREED_IN[job.unique_for]:
        keys.take_back(tx, queue, job.unique_key, job.raw)
    runs_from_held = after is State.PENDING and STATES[job.state] is State.HELD
    passed = unpack_gate(job.gate) if runs_from_held else None
    if passed is not None:
        gates.enter(tx, queue, passed)
    score = score_of(after, priority=job.priority, now_ms=tx.now_ms)
    ready_ms = tx.now_ms if after is State.PENDING else job.ready_ms
    operations = with_newest(order.operation, job.operations)
    tx.db.execute(SQL["act"], (CODES[after], score, ready_ms, passed is not None, order.reason, operations, job.id))
    queue.left(STATES[job.state])
    queue.arrived(after)
