"""Settling: what the outcomes of a batch do to their jobs, if the claims still hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...model.minutes import minute_of
from ...model.outcome import CANCELLED_WHILE_RUNNING, Charge, Outcome
from ...model.states import FINAL, State
from ..contract import Exchange
from ..sql.codec import CODES, joined, score_of
from .intake import add
from .retention import drop_surplus
from .statements import SQL, Listed
from .transaction import QueueRow, Transaction

_ENDS_ATTEMPT = FINAL | {State.FAILED}
_CANCEL_WINS = frozenset({State.FAILED, State.SCHEDULED, State.PENDING, State.HELD})
_STREAMS = ("failures", "completed")
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


def _holds(job: Running, outcome: Outcome, now_ms: int) -> bool:
    is_alive = job.lease_until_ms > now_ms
    return job.token == outcome.token and not (outcome.if_expired and is_alive)


def _move(tx: Transaction, queue: QueueRow, accepted: Iterable[tuple[Running, Outcome]]) -> None:
    moves, endings = [], []
    for job, outcome in accepted:
        state, reason = outcome.state, outcome.reason
        if job.cancel_asked and state in _CANCEL_WINS:  # an operator's cancel must not be lost
            state, reason = State.CANCELLED, CANCELLED_WHILE_RUNNING
        score = score_of(state, priority=job.priority, now_ms=tx.now_ms, due_ms=tx.now_ms + outcome.delay_ms)
        ready_ms = tx.now_ms if state is State.PENDING else job.ready_ms
        lost = outcome.charge is Charge.LOST
        moves.append((CODES[state], score, ready_ms, outcome.charge is Charge.RETURNED, lost, lost, reason, job.id))
        if outcome.line or outcome.result is not None or outcome.error is not None:
            endings.append((job.id, outcome.result, outcome.error, outcome.line))
        queue.left(State.RUNNING)
        queue.arrived(state)
        _add_to_totals(queue, state, tx.now_ms)
    tx.db.executemany(SQL["settle"], moves)
    tx.db.executemany(SQL["ending_save"], endings)


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
