"""One queue in memory: its jobs, one line a state, its counters; every change of a job's state happens in `move`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...model.job import Claim, NewJob, Receipt, pending_score, ready_ms_of
from ...model.limits import KEPT_OPERATIONS, PROMOTED_PER_EXCHANGE
from ...model.minutes import minute_of
from ...model.outcome import CANCELLED_WHILE_RUNNING, Charge, Outcome
from ...model.retention import Retention
from ...model.schedule import StoredSchedule
from ...model.states import EFFECTS, FINAL, Effect, State, Verb
from ..contract import Acted, Exchange, ExchangeReply, QueueCounts, Rescue
from .journal import Journal
from .order import Line
from .record import Record

_ENDS_ATTEMPT = {State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED}
_CANCEL_WINS = {State.FAILED, State.SCHEDULED, State.PENDING, State.HELD}

Follow = Callable[[Sequence[NewJob], int], None]


@dataclass(slots=True)
class Reply:
    """What a worker was answered last, so that the same call gets the same answer."""

    call: int
    refused: list[bytes] = field(default_factory=list)
    claimed: list[tuple[bytes, int]] = field(default_factory=list)
    at_ms: int = 0


class MemoryQueue:
    """Not safe by itself: the backend's lock is held around every call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_known = False  # whether it ever held a job, a schedule or a pause; being asked for one is not enough
        self.records: dict[bytes, Record] = {}
        self.lines: dict[State, Line] = {state: Line() for state in State}
        self.unique: dict[str, bytes] = {}
        self.minutes: dict[int, dict[str, int]] = {}
        self.journals = {"failures": Journal(), "completed": Journal()}
        self.schedules: dict[str, StoredSchedule] = {}
        self.replies: dict[str, Reply] = {}
        self.paused: tuple[str, int] | None = None
        self._tokens = 0
        self._processed = self._failures = self._last_processed_ms = 0
        self._rescued_ms: int | None = None
        self._quarantine_ms = 0

    # Coming in

    def add(self, new: NewJob, now: int) -> Receipt:
        if new.raw in self.records:
            return Receipt(new.ref, created=False)
        holder = self.unique.get(new.unique_key) if new.unique_key else None
        if holder is not None:
            return Receipt(self.records[holder].new.ref, created=False)
        due = new.run_at_ms or now + new.delay_ms
        record = Record(new, now, State.PENDING, 0)
        if due > now:
            record.state, record.score, record.due_ms = State.SCHEDULED, due, due
        else:
            record.ready_ms, record.score = now, pending_score(new.priority, now)
        self.is_known = True
        self.records[new.raw] = record
        self.lines[record.state].add((record.score, new.raw))
        if new.unique_key:
            self.unique[new.unique_key] = new.raw
        return Receipt(new.ref, created=True)

    def move(self, record: Record, to: State, score: int) -> None:
        """The only place where a job changes its state or its place in it."""
        raw, key = record.new.raw, record.new.unique_key
        self.lines[record.state].remove((record.score, raw))
        record.state, record.score = to, score
        self.lines[to].add((score, raw))
        if key and to in FINAL and self.unique.get(key) == raw:
            del self.unique[key]

    # The hot verb

    def exchange(self, call: Exchange, now: int, follow: Follow) -> ExchangeReply:
        last = self.replies.get(call.worker)
        if last is None or call.call > last.call:
            last = self.replies[call.worker] = Reply(call.call)
            last.refused = self._settle_all(call, now, follow)
            self._promote(now)
            last.claimed = [] if self.paused else self._claim(call, now)
        elif call.call < last.call:
            last = Reply(call.call)
        self.replies.get(call.worker, last).at_ms = now
        return ExchangeReply(
            refused=last.refused,
            claims=self._claims_again(last, call.worker),
            asked_to_cancel=self._asked_to_cancel(call.worker),
            next_due_ms=self._next_due(),
            is_paused=self.paused is not None,
            now_ms=now,
        )

    def _settle_all(self, call: Exchange, now: int, follow: Follow) -> list[bytes]:
        verdicts = [(outcome, self._settle(outcome, now)) for outcome in call.outcomes]
        accepted = [outcome for outcome, is_accepted in verdicts if is_accepted]
        for stream, journal in self.journals.items():
            journal.write([outcome.line for outcome in accepted if outcome.stream == stream])
        for outcome in accepted:
            follow(outcome.then, now)
        self._count(call.minutes, now)
        self._trim_beyond(State.COMPLETED, call.keep_completed, 2 * len(call.outcomes) + 10)
        return [outcome.raw for outcome, is_accepted in verdicts if not is_accepted]

    def _settle(self, outcome: Outcome, now: int) -> bool:
        record = self.records.get(outcome.raw)
        if record is None or record.state is not State.RUNNING or record.token != outcome.token:
            return False
        if outcome.if_expired and record.lease_until_ms > now:
            return False
        to, reason = outcome.state, outcome.reason
        if record.cancel_asked and to in _CANCEL_WINS:
            to, reason = State.CANCELLED, CANCELLED_WHILE_RUNNING
        record.attempts -= outcome.charge is Charge.RETURNED
        record.forgiven += outcome.charge is Charge.LOST
        record.losses += outcome.charge is Charge.LOST
        record.reason, record.cancel_asked = reason, False
        record.result = outcome.result if outcome.result is not None else record.result
        record.error = outcome.error if outcome.error is not None else record.error
        if outcome.line:
            record.add_line(outcome.line)
        self._place(record, to, now + outcome.delay_ms, now)
        if to in _ENDS_ATTEMPT:
            self._processed += 1
            self._failures += to in (State.FAILED, State.DEAD)
            self._last_processed_ms = now
        return True

    def _place(self, record: Record, to: State, due: int, now: int) -> None:
        """Move a job to a state other than running, at the place that is natural there."""
        if to in (State.FAILED, State.SCHEDULED):
            record.due_ms = due
            self.move(record, to, due)
        elif to is State.PENDING:
            record.ready_ms = now
            self.move(record, to, pending_score(record.new.priority, now))
        else:
            record.finished_ms = now if to in FINAL else 0
            self.move(record, to, now)

    def _promote(self, now: int) -> None:
        waiting = (State.SCHEDULED, State.FAILED)
        due = [place for state in waiting for place in self.lines[state].until(now, PROMOTED_PER_EXCHANGE)]
        for due_ms, raw in sorted(due)[:PROMOTED_PER_EXCHANGE]:
            record = self.records[raw]
            record.ready_ms = due_ms
            self.move(record, State.PENDING, pending_score(record.new.priority, due_ms))

    def _claim(self, call: Exchange, now: int) -> list[tuple[bytes, int]]:
        claimed = []
        for score, raw in self.lines[State.PENDING].first(call.want):
            record = self.records[raw]
            self._tokens += 1
            record.token, record.worker, record.old_score = self._tokens, call.worker, score
            record.claimed_ms, record.lease_until_ms = now, now + call.lease_ms
            record.attempts += 1
            self.move(record, State.RUNNING, record.lease_until_ms)
            claimed.append((raw, record.token))
        return claimed

    def _claims_again(self, last: Reply, worker: str) -> list[Claim]:
        held = [self._held(raw, token) for raw, token in last.claimed]
        return [record.as_claim() for record in held if record is not None]

    def _held(self, raw: bytes, token: int) -> Record | None:
        record = self.records.get(raw)
        mine = record is not None and record.state is State.RUNNING and record.token == token
        return record if mine else None

    def _asked_to_cancel(self, worker: str) -> list[bytes]:
        running = (self.records[raw] for _, raw in self.lines[State.RUNNING].after(None))
        return [record.new.raw for record in running if record.cancel_asked and record.worker == worker]

    def _next_due(self) -> int:
        heads = [self.lines[state].first(1) for state in (State.SCHEDULED, State.FAILED)]
        return min((head[0][0] for head in heads if head), default=0)

    def _count(self, sums: Mapping[str, int], now: int) -> None:
        if sums:
            minute = self.minutes.setdefault(minute_of(now), defaultdict(int))
            for metric, n in sums.items():
                minute[metric] += n

    # Leases

    def renew(self, claims: Sequence[tuple[bytes, int]], until: int) -> list[bytes]:
        lost = []
        for raw, token in claims:
            record = self._held(raw, token)
            if record is None:
                lost.append(raw)
            else:
                record.lease_until_ms = until
                self.move(record, State.RUNNING, until)
        return lost

    def release(self, claims: Sequence[tuple[bytes, int]], now: int) -> int:
        released = 0
        for record in filter(None, (self._held(raw, token) for raw, token in claims)):
            record.attempts -= 1
            if record.cancel_asked:
                record.cancel_asked, record.reason = False, CANCELLED_WHILE_RUNNING
                self._place(record, State.CANCELLED, now, now)
            else:
                self.move(record, State.PENDING, record.old_score)
            released += 1
        return released

    def rescue(self, limit: int, lease_ms: int, now: int) -> Rescue:
        running, last = self.lines[State.RUNNING], self._rescued_ms
        self._rescued_ms = now
        jumped = bool(running) if last is None else not 0 <= now - last <= lease_ms // 2
        if jumped:
            self._quarantine_ms = now + lease_ms
            for until, raw in running.after(None):
                self.renew([(raw, self.records[raw].token)], max(now, min(until, now + lease_ms)))
        if now < self._quarantine_ms:
            return Rescue(jumped, (), ())
        lost = [self.records[raw] for _, raw in running.until(now, limit)]
        return Rescue(jumped, [record.as_claim() for record in lost], [record.worker for record in lost])

    # Operators

    def act(self, verb: Verb, raw: bytes, operation: str, reason: str, now: int) -> Acted:
        record = self.records.get(raw)
        if record is None:
            return Acted(NewJob(self.name, raw, "", b"").ref, applied=False, before=None, after=None)
        before = record.state
        if operation in record.operations:
            return Acted(record.new.ref, applied=True, before=before, after=before)
        applied = self._apply(EFFECTS[verb][before], record, reason, now)
        if applied:
            record.operations = (operation, *record.operations)[:KEPT_OPERATIONS]
        return Acted(record.new.ref, applied=applied, before=before, after=record.state)

    def _apply(self, effect: Effect, record: Record, reason: str, now: int) -> bool:
        if effect in (Effect.CONFLICT, Effect.COPY):
            return False
        if effect is Effect.ASK:
            record.cancel_asked = True
            return True
        if effect is Effect.CANCEL:
            record.reason = reason
            self._place(record, State.CANCELLED, now, now)
            return True
        key = record.new.unique_key
        if key and self.unique.setdefault(key, record.new.raw) != record.new.raw:
            return False
        if effect is Effect.RUN_AFRESH:
            record.forgiven = record.attempts
        record.reason, record.finished_ms = reason, 0
        self._place(record, State.PENDING, now, now)
        return True

    # Deleting

    def delete(self, record: Record) -> None:
        raw, key = record.new.raw, record.new.unique_key
        self.lines[record.state].remove((record.score, raw))
        del self.records[raw]
        if key and self.unique.get(key) == raw:
            del self.unique[key]

    def purge(self, state: State, before_ms: int, limit: int) -> int:
        records = (self.records[raw] for _, raw in self.lines[state].after(None))
        entered = (r for r in records if (r.finished_ms if state in FINAL else r.enqueued_ms) < before_ms)
        doomed = [record for record, _ in zip(entered, range(limit), strict=False)]
        for record in doomed:
            self.delete(record)
        return len(doomed)

    def trim(self, retention: Retention, limit: int, now: int) -> int:
        gone = 0
        for state in (State.COMPLETED, State.CANCELLED, State.DEAD):
            keep = retention.of(state)
            gone += self._trim_beyond(state, keep.count, limit - gone)
            gone += self.purge(state, now - keep.age_ms, limit - gone)
        self.journals["failures"].keep(retention.failure_entries)
        self.journals["completed"].keep(retention.completed_entries)
        oldest = minute_of(now - int(retention.minutes.total_seconds() * 1000))
        self.minutes = {minute: sums for minute, sums in self.minutes.items() if minute >= oldest}
        self.replies = {worker: r for worker, r in self.replies.items() if r.at_ms > now - 3_600_000}
        return gone

    def _trim_beyond(self, state: State, keep: int, limit: int) -> int:
        surplus = min(len(self.lines[state]) - keep, limit) if keep else 0
        for _, raw in self.lines[state].first(max(0, surplus)):
            self.delete(self.records[raw])
        return max(0, surplus)

    # Reading

    def counts(self) -> QueueCounts:
        head = self.lines[State.PENDING].first(1)
        reason, paused_ms = self.paused or ("", 0)
        return QueueCounts(
            queue=self.name,
            states={state: len(line) for state, line in self.lines.items()},
            processed=self._processed,
            failures=self._failures,
            last_processed_ms=self._last_processed_ms,
            oldest_pending_ms=ready_ms_of(head[0][0]) if head else 0,
            is_paused=self.paused is not None,
            paused_reason=reason,
            paused_ms=paused_ms,
            journal_failures=self.journals["failures"].newest,
            journal_completed=self.journals["completed"].newest,
        )
