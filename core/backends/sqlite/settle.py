"""Settling: what the outcomes of a batch do to their jobs, if the claims still hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...model.minutes import minute_of
from ...model.outcome import CANCELLED_WHILE_RUNNING, Charge, Outcome
from ...model.states import FINAL, State
from ..contract import Exchange
from ..sql.codec import CODES, joined, score_of
from . import gates, keys
from .intake import add
from .retention import drop_surplus
from .statements import SQL, Listed
from .transaction import QueueRow, Transaction

_ENDS_ATTEMPT = FINAL | {State.FAILED}
_CANCEL_WINS = frozenset({State.FAILED, State.SCHEDULED, State.PENDING, State.HELD})
_STREAMS = ("failures", "completed")
_CHARGES = {  # attempts given back, forgiven, losses that stay, losses, crashes; bound faster than booleans
    Charge.COUNTED: (0, 0, 1, 0, 0),
    Charge.RETURNED: (1, 0, 1, 0, 0),
    Charge.LOST: (0, 1, 1, 1, 0),
    Charge.CRASHED: (0, 1, 1, 1, 1),
    Charge.CLEARED: (0, 0, 0, 0, 0),
}
_RUNNING = Listed("running")


class Running(NamedTuple):
    """A running job, for a compare-and-set on its token."""

    id: int
    raw: bytes
    token: int
    lease_until_ms: int
    priority: int
    ready_ms: int
    attempts: int
    cancel_asked: int
    unique_key: str
    has_passed: int
    has_note: int


def running_among(tx: Transaction, queue: QueueRow, raws: Sequence[bytes]) -> dict[bytes, Running]:
    return {row[1]: Running._make(row) for row in _RUNNING.rows(tx.db, (queue.id,), raws)}


def settle_all(tx: Transaction, queue: QueueRow, call: Exchange) -> list[bytes]:
    """Apply the outcomes whose claim still holds; answers the raw ids of the others."""
    running = running_among(tx, queue, [outcome.raw for outcome in call.outcomes])
    refused, accepted = [], []
    for outcome in call.outcomes:
        job = running.get(outcome.raw)
        if job is None or not _holds(job, outcome, tx.now_ms):
            refused.append(outcome.raw)
        else:
            del running[outcome.raw]  # a second outcome for the same claim is too late
            accepted.append((job, outcome))
    _move(tx, queue, accepted)
    outcomes = [outcome for _, outcome in accepted]
    _write_journals(tx, queue, outcomes)
    add(tx, [job for outcome in outcomes for job in outcome.then])
    _count(tx, queue, call.minutes)
    drop_surplus(tx, queue, State.COMPLETED, keep=call.keep_completed, limit=2 * len(call.outcomes) + 10)
    return refused


def let_go(tx: Transaction, queue: QueueRow, job: Running, to: State) -> None:
    """What a job that runs no more gives back: the slot of its gate, and its unique key if it has ended."""
    if job.has_passed:
        gates.leave(tx, queue, gates.gate_of(tx, job.id), job.has_passed, "")
    if to in FINAL:
        keys.take_back(tx, queue, job.unique_key, job.raw)


def _holds(job: Running, outcome: Outcome, now_ms: int) -> bool:
    is_alive = job.lease_until_ms > now_ms
    return job.token == outcome.token and not (outcome.if_expired and is_alive)


def _move(tx: Transaction, queue: QueueRow, accepted: Iterable[tuple[Running, Outcome]]) -> None:
    moves, held, endings, noted = [], [], [], []
    for job, outcome in accepted:
        state, reason = outcome.state, outcome.reason
        if job.cancel_asked and state in _CANCEL_WINS:  # an operator's cancel must not be lost
            state, reason = State.CANCELLED, CANCELLED_WHILE_RUNNING
        score = score_of(state, priority=job.priority, now_ms=tx.now_ms, due_ms=tx.now_ms + outcome.delay_ms)
        ready_ms = tx.now_ms if state is State.PENDING else job.ready_ms
        moves.append((CODES[state], score, ready_ms, *_CHARGES[outcome.charge], reason, job.id))
        if outcome.line or outcome.result is not None or outcome.error is not None:
            endings.append((job.id, outcome.result, outcome.error, outcome.line))
        if job.has_note and state is State.COMPLETED:
            noted.append((job.id,))
        if job.has_passed or job.unique_key:
            let_go(tx, queue, job, state)
        if state is State.HELD and outcome.held_at:
            gates.line_up(tx, queue, gates.gate_of(tx, job.id), outcome.held_at)
            held.append((tx.now_ms, outcome.held_at, job.id))
        queue.left(State.RUNNING)
        queue.arrived(state)
        _add_to_totals(queue, state, tx.now_ms)
    tx.db.executemany(SQL["settle"], moves)
    tx.db.executemany(SQL["hold"], held)
    tx.db.executemany(SQL["ending_save"], endings)
    tx.db.executemany(SQL["note_close"], noted)


def _add_to_totals(queue: QueueRow, state: State, now_ms: int) -> None:
    if state in _ENDS_ATTEMPT:
        queue.processed += 1
        queue.failures += state in (State.FAILED, State.DEAD)
        queue.last_processed_ms = now_ms


def _write_journals(tx: Transaction, queue: QueueRow, outcomes: Sequence[Outcome]) -> None:
    for stream in _STREAMS:
        lines = [outcome.line for outcome in outcomes if outcome.stream == stream]
        if lines:
            tx.db.execute(SQL["journal_add"], (queue.id, stream, joined(lines)))


def _count(tx: Transaction, queue: QueueRow, sums: Mapping[str, int]) -> None:
    minute = minute_of(tx.now_ms)
    tx.db.executemany(SQL["minute_add"], [(queue.id, minute, metric, n) for metric, n in sums.items()])
