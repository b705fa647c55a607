"""One queue in memory: its jobs, one line a state, its gates; every change of a job's state happens in `move`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.gate import Gate
from ...model.ident import JobRef
from ...model.job import NewJob, Receipt, StoredJob, pending_score, ready_ms_of
from ...model.schedule import StoredSchedule
from ...model.states import FINAL, State
from ..contract import QueueCounts
from .gates import Gates
from .journal import Journal
from .order import Line
from .record import Record, record_of
from .unique import UniqueKeys


@dataclass(slots=True)
class Reply:
    """What a worker was answered last, so that the same call gets the same answer."""

    call: int
    refused: list[bytes] = field(default_factory=list)
    claimed: list[tuple[bytes, int]] = field(default_factory=list)
    at_ms: int = 0


@dataclass(slots=True)
class Totals:
    """What a queue has done since it was made."""

    claims: int = 0  # the newest token
    processed: int = 0
    failures: int = 0
    last_processed_ms: int = 0


@dataclass(slots=True)
class Watch:
    """When the leases were looked at last, and until when none counts as run out because the clock had jumped."""

    last_ms: int | None = None
    quiet_until_ms: int = 0


class MemoryQueue:
    """What a queue holds, and how a job moves in it. Not safe by itself: the backend's lock is held around every call.

    The verbs are functions of their own over this: exchange.py, leases.py, control.py, retention.py.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_known = False  # whether it ever held a job, a schedule or a pause; being asked for one is not enough
        self.records: dict[bytes, Record] = {}
        self.lines: dict[State, Line] = {state: Line() for state in State}
        self.keys = UniqueKeys()
        self.gates = Gates()
        self.minutes: dict[int, dict[str, int]] = {}
        self.journals = {"failures": Journal(), "completed": Journal()}
        self.schedules: dict[str, StoredSchedule] = {}
        self.replies: dict[str, Reply] = {}
        self.paused: tuple[str, int] | None = None
        self.totals = Totals()
        self.watch = Watch()
        self.stirred: set[str] = set()  # gates whose slots or numbers have changed: see `refill`

    # Coming in

    def add(self, new: NewJob, now: int) -> Receipt:
        if new.raw in self.records:
            return Receipt(new.ref, created=False)
        holder = self.keys.holder(new.unique_key, now)
        if holder is not None:
            return Receipt(JobRef(self.name, holder), created=False)
        due = new.run_at_ms or now + new.delay_ms
        if due > now:
            self._insert(Record(new, now, State.SCHEDULED, due, due_ms=due))
        else:
            self._insert(Record(new, now, State.PENDING, pending_score(new.priority, now), ready_ms=now))
        self.keys.give(new, now)
        return Receipt(new.ref, created=True)

    def adopt(self, job: StoredJob, now: int) -> bool:
        """A job of another store; its gate's slot, if it had one, stays behind."""
        if job.ref.raw in self.records:
            return False
        record = record_of(job)
        self._insert(record)
        if job.held_at:
            self._line_up(record, job.held_at, now)
        self.keys.give_adopted(job, now)
        return True

    def _insert(self, record: Record) -> None:
        self.is_known = True
        self.records[record.new.raw] = record
        self.lines[record.state].add((record.score, record.new.raw))

    # Moving

    def move(self, record: Record, to: State, score: int) -> None:
        """The only place where a job changes its state or its place in it."""
        raw = record.new.raw
        self._leave_gate(record, to)
        self.lines[record.state].remove((record.score, raw))
        record.state, record.score = to, score
        self.lines[to].add((score, raw))
        self.keys.entered(record.new, to)

    def place(self, record: Record, to: State, due: int, now: int) -> None:
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

    def hold(self, record: Record, at: str, now: int) -> None:
        """Out of the way of the others, in line at a gate."""
        self.move(record, State.HELD, now)
        self._line_up(record, at, now)

    def delete(self, record: Record) -> None:
        raw = record.new.raw
        self._leave_gate(record, None)
        self.lines[record.state].remove((record.score, raw))
        del self.records[raw]
        self.keys.take_back(record.new)

    # Gates

    def refill(self, now: int) -> None:
        """Let as many pass as have become free where something changed."""
        while self.stirred:
            self.open(self.stirred.pop(), len(self.records), now)

    def open(self, name: str, most: int, now: int) -> None:
        """Let those who wait pass a gate, first in run order, as far as its rules allow."""
        for _ in range(most):
            place = self.gates.first_through(name, now)
            if place is None:
                return
            score, raw = place
            self.move(self.records[raw], State.PENDING, score)
            self.records[raw].has_passed = True
            self.gates.pay(name, now)

    def _line_up(self, record: Record, name: str, now: int) -> None:
        own = record.new.gate
        record.held_at = name
        gate = own if own is not None and own.name == name else Gate(name)
        self.gates.wait(gate, (record.old_score, record.new.raw), now)

    def _leave_gate(self, record: Record, to: State | None) -> None:
        """Strike a job from where it waits, and give back the slot of one that neither runs nor is about to."""
        if record.held_at:
            self.gates.strike(record.held_at, (record.old_score, record.new.raw))
            record.held_at = ""
        gate = record.new.gate
        if gate is not None and record.has_passed and to is not State.RUNNING:
            record.has_passed = False
            self.gates.leave(gate.name)
            self.stirred.add(gate.name)

    # Looking

    def held(self, raw: bytes, token: int) -> Record | None:
        """The job of a claim, if it still is that claim's."""
        record = self.records.get(raw)
        is_its = record is not None and record.state is State.RUNNING and record.token == token
        return record if is_its else None

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
            processed=self.totals.processed,
            failures=self.totals.failures,
            last_processed_ms=self.totals.last_processed_ms,
            oldest_pending_ms=ready_ms_of(head[0][0]) if head else 0,
            is_paused=self.paused is not None,
            paused_reason=reason,
            paused_ms=paused_ms,
            awaited=self.gates.awaited_tasks(),
            journal_failures=self.journals["failures"].newest,
            journal_completed=self.journals["completed"].newest,
        )
