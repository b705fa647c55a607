"""One queue in memory: its jobs, one line a state, its counters; every change of a job's state happens in `move`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...model.gate import Gate, task_gate
from ...model.ident import JobRef
from ...model.job import Claim, NewJob, Receipt, StoredJob, Unique, pending_score, ready_ms_of
from ...model.limits import KEPT_OPERATIONS, PROMOTED_PER_EXCHANGE, TURNED_AWAY_PER_EXCHANGE
from ...model.minutes import minute_of
from ...model.outcome import CANCELLED_WHILE_RUNNING, Charge, Outcome
from ...model.retention import Retention
from ...model.schedule import StoredSchedule
from ...model.states import EFFECTS, FINAL, Effect, State, Verb
from ..contract import Acted, Exchange, ExchangeReply, QueueCounts, Rescue, Sweep
from .gates import Gates
from .journal import Journal
from .order import Line
from .record import Record, record_of

_ENDS_ATTEMPT = {State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED}
_FREES_KEY = {
    Unique.UNTIL_FINISHED: FINAL,
    Unique.WHILE_PENDING: FINAL | {State.RUNNING},
    Unique.FOR_A_TIME: frozenset[State](),
}
_CANCEL_WINS = {State.FAILED, State.SCHEDULED, State.PENDING, State.HELD}

Follow = Callable[[Sequence[NewJob], int], None]


@dataclass(slots=True)
class Reply:
    """What a worker was answered last, so that the same call gets the same answer."""

    call: int
    refused: list[bytes] = field(default_factory=list)
    claimed: list[tuple[bytes, int]] = field(default_factory=list)
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """The job that has a unique key; until_ms is 0 when it has it by its state, not for a time."""

    raw: bytes
    until_ms: int = 0


class MemoryQueue:
    """Not safe by itself: the backend's lock is held around every call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_known = False  # whether it ever held a job, a schedule or a pause; being asked for one is not enough
        self.records: dict[bytes, Record] = {}
        self.lines: dict[State, Line] = {state: Line() for state in State}
        self.unique: dict[str, Holder] = {}
        self.gates = Gates()
        self.minutes: dict[int, dict[str, int]] = {}
        self.journals = {"failures": Journal(), "completed": Journal()}
        self.schedules: dict[str, StoredSchedule] = {}
        self.replies: dict[str, Reply] = {}
        self.paused: tuple[str, int] | None = None
        self._tokens = 0
        self._processed = self._failures = self._last_processed_ms = 0
        self._rescued_ms: int | None = None
        self._quarantine_ms = 0
        self._stirred: set[str] = set()  # gates whose slots or numbers have changed

    # Coming in

    def add(self, new: NewJob, now: int) -> Receipt:
        if new.raw in self.records:
            return Receipt(new.ref, created=False)
        holder = self._holder(new.unique_key, now)
        if holder is not None:
            return Receipt(JobRef(self.name, holder.raw), created=False)
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
            until_ms = now + new.unique_ms if new.unique is Unique.FOR_A_TIME else 0
            self.unique[new.unique_key] = Holder(new.raw, until_ms)
        return Receipt(new.ref, created=True)

    def adopt(self, job: StoredJob, now: int) -> bool:
        """A job of another store; its gate's slot, if it had one, stays behind."""
        if job.state is State.RUNNING:
            raise ValueError(f"{job.ref} is running: only a job that rests can be adopted")
        if job.ref.raw in self.records:
            return False
        record = record_of(job)
        self.is_known = True
        self.records[job.ref.raw] = record
        self.lines[job.state].add((job.score, job.ref.raw))
        if job.held_at:
            self._line_up(record, job.held_at)
        if job.holds_its_key(now) and self._holder(job.unique_key, now) is None:
            self.unique[job.unique_key] = Holder(job.ref.raw, job.unique_until_ms)
        return True

    def move(self, record: Record, to: State, score: int) -> None:
        """The only place where a job changes its state or its place in it."""
        raw = record.new.raw
        self._leave_gate(record, to)
        self.lines[record.state].remove((record.score, raw))
        record.state, record.score = to, score
        self.lines[to].add((score, raw))
        if to in _FREES_KEY[record.new.unique]:
            self._free_key(record)

    def _holder(self, key: str, now: int) -> Holder | None:
        holder = self.unique.get(key) if key else None
        return holder if holder and (not holder.until_ms or holder.until_ms > now) else None

    def _free_key(self, record: Record) -> None:
        key = record.new.unique_key
        if key and self.unique.get(key) == Holder(record.new.raw):
            del self.unique[key]

    # The hot verb

    def exchange(self, call: Exchange, now: int, follow: Follow) -> ExchangeReply:
        last = self.replies.get(call.worker)
        if last is None or call.call > last.call:
            last = self.replies[call.worker] = Reply(call.call)
            last.refused = self._settle_all(call, now, follow)
            self._promote(now)
            last.claimed = [] if self.paused else self._claim(call, now)
            self.refill(now)
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
            awaited=self.gates.awaited_tasks(),
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
        if to is State.HELD and outcome.held_at:
            self._hold(record, outcome.held_at, now)
        else:
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

    def _hold(self, record: Record, at: str, now: int) -> None:
        """Out of the way of the others, in line at a gate."""
        self.move(record, State.HELD, now)
        self._line_up(record, at)

    def _promote(self, now: int) -> None:
        waiting = (State.SCHEDULED, State.FAILED)
        due = [place for state in waiting for place in self.lines[state].until(now, PROMOTED_PER_EXCHANGE)]
        for due_ms, raw in sorted(due)[:PROMOTED_PER_EXCHANGE]:
            record = self.records[raw]
            record.ready_ms = due_ms
            self.move(record, State.PENDING, pending_score(record.new.priority, due_ms))

    def _claim(self, call: Exchange, now: int) -> list[tuple[bytes, int]]:
        self._let_through(call, now)
        claimed: list[tuple[bytes, int]] = []
        turned_away = 0
        while len(claimed) < call.want and turned_away < TURNED_AWAY_PER_EXCHANGE and self.lines[State.PENDING]:
            [(score, raw)] = self.lines[State.PENDING].first(1)
            record = self.records[raw]
            record.old_score = score
            if self._passes(record, now):
                claimed.append(self._take(record, call, now))
            else:
                turned_away += 1
        return claimed

    def _take(self, record: Record, call: Exchange, now: int) -> tuple[bytes, int]:
        self._tokens += 1
        record.token, record.worker = self._tokens, call.worker
        record.claimed_ms, record.lease_until_ms = now, now + call.lease_ms
        record.attempts += 1
        self.move(record, State.RUNNING, record.lease_until_ms)
        return record.new.raw, record.token

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
        opening = 0 if self.paused else self.gates.next_opening()
        return min((due for due in (*(head[0][0] for head in heads if head), opening) if due), default=0)

    def _count(self, sums: Mapping[str, int], now: int) -> None:
        if sums:
            minute = self.minutes.setdefault(minute_of(now), defaultdict(int))
            for metric, n in sums.items():
                minute[metric] += n

    # Gates

    def refill(self, now: int) -> None:
        """Let as many pass as have become free where something changed."""
        while self._stirred:
            self._open(self._stirred.pop(), len(self.records), now)

    def _passes(self, record: Record, now: int) -> bool:
        gate = record.new.gate
        if gate is None or record.has_passed:
            return True
        record.has_passed = self.gates.admit(gate, now)
        if not record.has_passed:
            self._hold(record, gate.name, now)
            self._stirred.add(gate.name)
        return record.has_passed

    def _let_through(self, call: Exchange, now: int) -> None:
        """Before a claim: those whose slot or rate has come, and those whose task this worker knows."""
        self.refill(now)
        for name in self.gates.open_by_rate(now):
            self._open(name, call.want, now)
        for task in call.serve:
            for score, raw in self.gates.awaiting(task_gate(task), call.want):
                self.move(self.records[raw], State.PENDING, score)

    def _open(self, name: str, most: int, now: int) -> None:
        for _ in range(most):
            place = self.gates.first_through(name, now)
            if place is None:
                return
            score, raw = place
            self.move(self.records[raw], State.PENDING, score)
            self.records[raw].has_passed = True
            self.gates.pay(name, now)

    def _line_up(self, record: Record, name: str) -> None:
        own = record.new.gate
        record.held_at = name
        gate = own if own is not None and own.name == name else Gate(name)
        self.gates.wait(gate, (record.old_score, record.new.raw))

    def _leave_gate(self, record: Record, to: State | None) -> None:
        """Strike a job from where it waits, and give back the slot of one that neither runs nor is about to."""
        if record.held_at:
            self.gates.strike(record.held_at, (record.old_score, record.new.raw))
            record.held_at = ""
        gate = record.new.gate
        if gate is not None and record.has_passed and to is not State.RUNNING:
            record.has_passed = False
            self.gates.leave(gate.name)
            self._stirred.add(gate.name)

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
        self.refill(now)
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
        self.refill(now)
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
        if effect is Effect.RUN_AFRESH and not self._takes_key_again(record, now):
            return False
        if effect is Effect.RUN_AFRESH:
            record.forgiven = record.attempts
        was_held = record.state is State.HELD
        record.reason, record.finished_ms = reason, 0
        self._place(record, State.PENDING, now, now)
        if was_held and record.new.gate is not None:
            record.has_passed = True
            self.gates.enter(record.new.gate)
        return True

    def _takes_key_again(self, record: Record, now: int) -> bool:
        """Whether a finished job may be pending again: nobody else has its key meanwhile."""
        key, raw = record.new.unique_key, record.new.raw
        if not key or record.new.unique is Unique.FOR_A_TIME:
            return True
        holder = self._holder(key, now)
        if holder is None:
            self.unique[key] = Holder(raw)
        return holder is None or holder.raw == raw

    def sweep(self, sweep: Sweep, found: Sequence[StoredJob], now: int) -> tuple[int, int]:
        """Act on what a walk found; how many it applied to, and how many refused."""
        entered = [
            job for job in found if (job.finished_ms if job.state in FINAL else job.enqueued_ms) < sweep.before_ms
        ]
        acted = [self.act(sweep.verb, job.ref.raw, sweep.operation, sweep.reason, now) for job in entered]
        applied = sum(one.applied for one in acted)
        return applied, len(acted) - applied

    # Deleting

    def delete(self, record: Record) -> None:
        raw = record.new.raw
        self._leave_gate(record, None)
        self.lines[record.state].remove((record.score, raw))
        del self.records[raw]
        self._free_key(record)

    def withdraw(self, raw: bytes, state: State, score: int) -> bool:
        record = self.records.get(raw)
        is_there = record is not None and (record.state, record.score) == (state, score)
        if is_there and record is not None:
            self.delete(record)
        return is_there

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
        self.unique = {key: h for key, h in self.unique.items() if not h.until_ms or h.until_ms > now}
        self.gates.forget_idle(now)
        self.replies = {worker: r for worker, r in self.replies.items() if r.at_ms > now - 3_600_000}
        return gone

    def _trim_beyond(self, state: State, keep: int, limit: int) -> int:
        surplus = min(len(self.lines[state]) - keep, limit) if keep else 0
        for _, raw in self.lines[state].first(max(0, surplus)):
            self.delete(self.records[raw])
        return max(0, surplus)

    # Reading

    def ahead(self, raw: bytes, limit: int) -> int | None:
        record = self.records.get(raw)
        if record is None or record.state is not State.PENDING:
            return None
        return min(limit, len(self.lines[State.PENDING].before((record.score, raw))))

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
