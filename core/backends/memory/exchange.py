"""The hot verb in memory: settle a batch, promote what is due, claim; the same call again gets the same answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from ...model.gate import task_gate
from ...model.job import Claim, NewJob, pending_score
from ...model.limits import PROMOTED_PER_EXCHANGE, TURNED_AWAY_PER_EXCHANGE
from ...model.minutes import minute_of
from ...model.outcome import CANCELLED_WHILE_RUNNING, Charge, Outcome
from ...model.states import State
from ..contract import Exchange, ExchangeReply
from .queue import MemoryQueue, Reply
from .record import Record
from .retention import trim_beyond

_ENDS_ATTEMPT = {State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED}
_CANCEL_WINS = {State.FAILED, State.SCHEDULED, State.PENDING, State.HELD}

Follow = Callable[[Sequence[NewJob], int], None]


def exchange(queue: MemoryQueue, call: Exchange, now: int, follow: Follow) -> ExchangeReply:
    last = queue.replies.get(call.worker)
    if last is None or call.call > last.call:
        last = queue.replies[call.worker] = Reply(call.call)
        last.refused = _settle_all(queue, call, now, follow)
        _promote(queue, now)
        last.claimed = [] if queue.paused else _claim(queue, call, now)
        queue.refill(now)
    elif call.call < last.call:
        last = Reply(call.call)
    queue.replies.get(call.worker, last).at_ms = now
    return ExchangeReply(
        refused=last.refused,
        claims=_claims_again(queue, last),
        asked_to_cancel=_asked_to_cancel(queue, call.worker),
        next_due_ms=_next_due(queue, now),
        is_paused=queue.paused is not None,
        now_ms=now,
        awaited=queue.gates.awaited_tasks(),
    )


def _settle_all(queue: MemoryQueue, call: Exchange, now: int, follow: Follow) -> list[bytes]:
    verdicts = [(outcome, _settle(queue, outcome, now)) for outcome in call.outcomes]
    accepted = [outcome for outcome, is_accepted in verdicts if is_accepted]
    for stream, journal in queue.journals.items():
        journal.write([outcome.line for outcome in accepted if outcome.stream == stream])
    for outcome in accepted:
        follow(outcome.then, now)
    _count(queue, call.minutes, now)
    trim_beyond(queue, State.COMPLETED, call.keep_completed, 2 * len(call.outcomes) + 10)
    return [outcome.raw for outcome, is_accepted in verdicts if not is_accepted]


def _settle(queue: MemoryQueue, outcome: Outcome, now: int) -> bool:
    record = queue.held(outcome.raw, outcome.token)
    if record is None or (outcome.if_expired and record.lease_until_ms > now):
        return False
    to, reason = outcome.state, outcome.reason
    if record.cancel_asked and to in _CANCEL_WINS:
        to, reason = State.CANCELLED, CANCELLED_WHILE_RUNNING
    _note(record, outcome, reason)
    if to is State.HELD and outcome.held_at:
        queue.hold(record, outcome.held_at, now)
    else:
        queue.place(record, to, now + outcome.delay_ms, now)
    if to in _ENDS_ATTEMPT:
        queue.totals.processed += 1
        queue.totals.failures += to in (State.FAILED, State.DEAD)
        queue.totals.last_processed_ms = now
    return True


def _note(record: Record, outcome: Outcome, reason: str) -> None:
    """What a job remembers of an attempt that has ended."""
    record.attempts -= outcome.charge is Charge.RETURNED
    is_lost = outcome.charge in (Charge.LOST, Charge.CRASHED)
    record.forgiven += is_lost
    record.losses = 0 if outcome.charge is Charge.CLEARED else record.losses + is_lost
    record.crashes += outcome.charge is Charge.CRASHED
    if outcome.state is State.COMPLETED:
        record.progress, record.checkpoint = None, b""
    record.reason, record.cancel_asked = reason, False
    record.result = outcome.result if outcome.result is not None else record.result
    record.error = outcome.error if outcome.error is not None else record.error
    if outcome.line:
        record.add_line(outcome.line)


def _promote(queue: MemoryQueue, now: int) -> None:
    waiting = (State.SCHEDULED, State.FAILED)
    due = [place for state in waiting for place in queue.lines[state].until(now, PROMOTED_PER_EXCHANGE)]
    for due_ms, raw in sorted(due)[:PROMOTED_PER_EXCHANGE]:
        record = queue.records[raw]
        record.ready_ms = due_ms
        queue.move(record, State.PENDING, pending_score(record.new.priority, due_ms))


def _claim(queue: MemoryQueue, call: Exchange, now: int) -> list[tuple[bytes, int]]:
    _let_through(queue, call, now)
    claimed: list[tuple[bytes, int]] = []
    turned_away = 0
    while len(claimed) < call.want and turned_away < TURNED_AWAY_PER_EXCHANGE and queue.lines[State.PENDING]:
        [(score, raw)] = queue.lines[State.PENDING].first(1)
        record = queue.records[raw]
        record.old_score = score
        if _passes(queue, record, now):
            claimed.append(_take(queue, record, call, now))
        else:
            turned_away += 1
    return claimed


def _let_through(queue: MemoryQueue, call: Exchange, now: int) -> None:
    """Before a claim: those whose slot or rate has come, and those whose task this worker knows."""
    queue.refill(now)
    for name in queue.gates.open_now(now):
        queue.open(name, call.want, now)
    for task in call.serve:
        for score, raw in queue.gates.awaiting(task_gate(task), call.want):
            queue.move(queue.records[raw], State.PENDING, score)


def _passes(queue: MemoryQueue, record: Record, now: int) -> bool:
    gate = record.new.gate
    if gate is None or record.has_passed:
        return True
    record.has_passed = queue.gates.admit(gate, now)
    if not record.has_passed:
        queue.hold(record, gate.name, now)
        queue.stirred.add(gate.name)  # its numbers may let those pass who waited before it
    return record.has_passed


def _take(queue: MemoryQueue, record: Record, call: Exchange, now: int) -> tuple[bytes, int]:
    queue.totals.claims += 1
    record.token, record.worker = queue.totals.claims, call.worker
    record.claimed_ms, record.lease_until_ms = now, now + call.lease_ms
    record.attempts += 1
    queue.move(record, State.RUNNING, record.lease_until_ms)
    return record.new.raw, record.token


def _claims_again(queue: MemoryQueue, last: Reply) -> list[Claim]:
    held = [queue.held(raw, token) for raw, token in last.claimed]
    return [record.as_claim() for record in held if record is not None]


def _asked_to_cancel(queue: MemoryQueue, worker: str) -> list[bytes]:
    running = (queue.records[raw] for _, raw in queue.lines[State.RUNNING].after(None))
    return [record.new.raw for record in running if record.cancel_asked and record.worker == worker]


def _next_due(queue: MemoryQueue, now: int) -> int:
    heads = [queue.lines[state].first(1) for state in (State.SCHEDULED, State.FAILED)]
    opening = 0 if queue.paused else queue.gates.next_opening(now)
    return min((due for due in (*(head[0][0] for head in heads if head), opening) if due), default=0)


def _count(queue: MemoryQueue, sums: Mapping[str, int], now: int) -> None:
    if sums:
        minute = queue.minutes.setdefault(minute_of(now), defaultdict(int))
        for metric, n in sums.items():
            minute[metric] += n
