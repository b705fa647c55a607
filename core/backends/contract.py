"""What every store promises: the verbs, in small parts, and the values they take and give.

Rules for all of them:

* Time is the store's own, in UTC milliseconds. A store opened with a clock (tests) takes it from there; no call can.
* Every verb may be sent again after a lost reply and acts once.
* A job is in exactly one state; every settle, renew and release is a compare-and-set on `(raw, token)`.
* Errors: StoreUnavailable (send it again later), StoreFull (enqueue and adopt only), StoreFormatError (on open).
* A store never decodes arguments, options, results, errors or lines; it moves bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from ..model.gate import GateInfo
from ..model.ident import JobRef
from ..model.job import Claim, NewJob, Receipt, StoredJob
from ..model.outcome import Outcome
from ..model.retention import Retention
from ..model.schedule import StoredSchedule
from ..model.states import State, Verb
from ..model.worker import WorkerInfo, WorkerOrders

FORMAT = 1  # of what a store holds; a store with a greater number is refused in a sentence


class Features(msgspec.Struct, frozen=True):
    """How a store differs from the others; asked for here, never with isinstance."""

    name: str  # "memory", "sqlite", "redis", "postgres"
    durable: bool = True  # survives the end of every process
    shared: bool = True  # several processes may open it
    transactional: bool = False  # enqueue can join the caller's own transaction
    wakes: bool = True  # wait() returns early when work arrives; else callers poll


class Exchange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call of the hot verb, for one queue.

    call grows by one with each exchange of this worker with this queue; the same number again gets the same answer.
    minutes: sums to add to this minute's counters, by metric (model/minutes.py), for the outcomes sent here.
    keep_completed: completed jobs beyond the newest of this number may be trimmed on the way (at most 2 per outcome
    plus 10); 0 trims nothing.
    serve: tasks this worker knows and that jobs wait for (ExchangeReply.awaited): up to `want` jobs of each go back to
    their place in pending before the claim.
    """

    queue: str
    worker: str
    call: int
    outcomes: Sequence[Outcome] = ()
    want: int = 0
    lease_ms: int = 30_000
    minutes: Mapping[str, int] = {}
    keep_completed: int = 10_000
    serve: Sequence[str] = ()


class ExchangeReply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """refused: raw ids whose settle came too late. asked_to_cancel: raw ids that this worker runs and should stop.

    next_due_ms: the store's time at which the next scheduled or failed job is due, or a rate lets the next job pass
    that waits for it; 0 when there is none. is_paused: nothing was claimed because the queue is paused.
    awaited: tasks that held jobs wait for a worker to know (at most TOLD_TASKS, by name); a repeat of the same call
    tells those of now.
    """

    refused: Sequence[bytes] = ()
    claims: Sequence[Claim] = ()
    asked_to_cancel: Sequence[bytes] = ()
    next_due_ms: int = 0
    is_paused: bool = False
    now_ms: int = 0
    awaited: Sequence[str] = ()


class Rescue(msgspec.Struct, frozen=True, gc=False):
    """One pass over the leases of a queue.

    jumped: the clock moved too far since the last pass; leases were clamped and nothing is due for rescue until a
    whole lease later. claims: those whose lease has run out, oldest first; nothing was changed: the caller settles
    them with `Outcome(if_expired=True)`. workers: who held them, in the same order.
    """

    jumped: bool
    claims: Sequence[Claim]
    workers: Sequence[str]


class Note(msgspec.Struct, frozen=True, gc=False):
    """What a running handler leaves with its job; None leaves what is there.

    progress: at most 1 KiB. checkpoint: at most 64 KiB; the next attempt is given it with its claim. log: all of this
    attempt's so far, at most 64 KiB. Each takes the place of what was there.
    """

    raw: bytes
    token: int
    progress: bytes | None = None
    checkpoint: bytes | None = None
    log: bytes | None = None


class Acted(msgspec.Struct, frozen=True, gc=False):
    """What a verb did to one job: applied, and the state before and after; before is None when there is no such job.

    A verb that asks a running job to stop is applied with before == after == running.
    """

    ref: JobRef
    applied: bool
    before: State | None
    after: State | None


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """A verb for the jobs of one state of a queue, a bounded chunk a call.

    before_ms: only jobs that entered before this store time (final states by finish time, others by enqueue time).
    task: exact, or a prefix that ends in `*`; empty: all. after: where the chunk before stopped. At most `limit` jobs
    are acted on and `scan_limit` looked at.
    """

    queue: str
    verb: Verb
    state: State
    before_ms: int
    operation: str
    reason: str = ""
    task: str = ""
    after: Cursor | None = None
    limit: int = 200
    scan_limit: int = 2_000


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk of a sweep did: jobs that it applied to (a job that had this operation already counts), that refused
    (a unique key taken meanwhile, say), that were looked at. next: where to go on; None: the state is swept."""

    applied: int
    refused: int
    scanned: int
    next: Cursor | None = None


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A place in a state's natural order: the job at (score, queue, raw), itself not included in the page."""

    score: int
    queue: str
    raw: bytes


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page of one state, in its natural order.

    pending: run order. scheduled, failed: due time, soonest first. held: longest first. running: lease end, soonest
    first. completed, dead, cancelled: newest first. queues: none means all. At most one of after and before is given;
    before reads the page that ends just before that place. task: exact, or a prefix that ends in `*`. having: bytes,
    each of which the stored arguments or options contain (at most MAX_NEEDLES). With a task or bytes at most scan_limit
    jobs are looked at.
    """

    state: State
    queues: tuple[str, ...] = ()
    task: str = ""
    having: tuple[bytes, ...] = ()
    after: Cursor | None = None
    before: Cursor | None = None
    limit: int = 50
    scan_limit: int = 5_000  # what every store looks through within 50 ms


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """jobs in natural order, without result and with at most the newest line.

    next and previous: cursors of the neighbouring pages, None where there is none (or none was found within the scan:
    then `exhausted` is False and `next` goes on from where the scan stopped). scanned: jobs looked at.
    """

    jobs: Sequence[StoredJob]
    next: Cursor | None = None
    previous: Cursor | None = None
    scanned: int = 0
    exhausted: bool = True


class QueueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One queue in numbers, in O(1): what it holds now by state, and cumulative totals.

    processed: accepted settles that ended an attempt (completed, failed, dead, cancelled). failures: those that ended
    failed or dead. oldest_pending_ms: when the next job in run order became ready; 0 when none is pending.
    """

    queue: str
    states: Mapping[State, int]
    processed: int = 0
    failures: int = 0
    last_processed_ms: int = 0
    oldest_pending_ms: int = 0
    is_paused: bool = False
    paused_reason: str = ""
    paused_ms: int = 0
    awaited: Sequence[str] = ()  # tasks that held jobs wait for a worker to know, at most TOLD_TASKS
    journal_failures: str = ""  # newest position of each journal stream; "" when it is empty
    journal_completed: str = ""


class JournalEntry(msgspec.Struct, frozen=True):
    """One batch of a journal: lines is MessagePack of an array of AttemptLine. Positions sort as they were written
    when compared by the store alone; treat them as opaque."""

    position: str
    lines: bytes


class Intake(Protocol):
    """How jobs come in."""

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        """Store jobs, all or none of those of one queue; answers in the order given.

        A store may cut what is very large (from 200 jobs or 4 MiB of one queue on) into parts that are each all or
        none: when it raises, some parts may be there, and sending the same jobs again completes them.

        An id that is live or retained is not stored again (created False, its own ref). A unique key that another job
        holds (model/job.py, Unique) answers that job's ref. A job is pending, or scheduled when its time lies ahead.
        A follow-up for another queue may take a moment to arrive (see relay).
        """
        ...

    def relay(self, queue: str, limit: int) -> int:
        """Move follow-ups that `queue` keeps for other queues to them; answers how many moved. Repeatable."""
        ...


class Joining(Protocol):
    """How jobs join a caller's own transaction: what a store whose features say `transactional` has beside Backend."""

    def refusal(self, connection: object) -> str:
        """Why a connection of the caller's cannot take jobs along, in half a sentence; "" when it can. Cheap to ask
        again; leaves the caller's transaction as it is."""
        ...

    def enqueue_within(self, connection: object, jobs: Sequence[NewJob]) -> list[Receipt]:
        """Store jobs, all or none, in the transaction of a connection that is not refused; their ids are new. They
        are there for others when the caller commits. On an error the caller's transaction is as it was before."""
        ...

    def ring(self, queues: Sequence[str]) -> None:
        """Wake who waits for work, after a commit that the store knows nothing of."""
        ...


class Work(Protocol):
    """What workers and their keeper call."""

    def exchange(self, call: Exchange) -> ExchangeReply:
        """Settle a batch, promote up to 100 due jobs, claim up to `want`. See Exchange and ExchangeReply.

        A pending job with a gate is claimed only if it has passed it: it passes when nobody waits there, fewer than the
        gate's limit hold a slot, and its rate allows it; else it becomes held at that gate, in its run order, and the
        next in line is looked at (TURNED_AWAY_PER_EXCHANGE of them at most). The numbers of the newest job that comes
        to a gate are the gate's. When slots are free, as many of those who wait, first in run order, pass and are
        pending again; a claim (of a queue that is not paused) lets those pass whose rate allows it now, at most `want`.
        """
        ...

    def renew(self, queue: str, claims: Sequence[tuple[bytes, int]], lease_ms: int) -> list[bytes]:
        """Extend the leases of `(raw, token)`; answers the raw ids that are no longer theirs."""
        ...

    def release(self, queue: str, claims: Sequence[tuple[bytes, int]]) -> int:
        """Give claims back unstarted: pending at their old place, the attempt and the slot of their gate given back;
        answers how many."""
        ...

    def note(self, queue: str, notes: Sequence[Note]) -> list[bytes]:
        """Keep notes of running attempts; answers the raw ids whose claims are no longer theirs.

        They stay when the attempt fails, is lost or given back. Completed drops progress and checkpoint and keeps the
        log; a retry by an operator keeps all. Rows of a page carry none of them.
        """
        ...

    def rescue(self, queue: str, limit: int, lease_ms: int) -> Rescue:
        """Find claims whose lease ran out, and keep watch over clock jumps (more than half a lease since the last
        pass, or backwards: clamp every lease end into [now, now + lease_ms], answer none until a lease later)."""
        ...

    def trim(self, queue: str, retention: Retention, limit: int) -> int:
        """Delete what retention no longer keeps, at most about `limit` jobs; answers how many jobs went."""
        ...

    def wait(self, queues: Sequence[str], timeout_s: float) -> None:
        """Sleep until one of the queues may have work, at most timeout_s. May return early for no reason."""
        ...


class Control(Protocol):
    """What operators call."""

    def act(self, verb: Verb, queue: str, raws: Sequence[bytes], operation: str, reason: str = "") -> list[Acted]:
        """Apply a verb by the table of model/states.py; `operation` (up to 64 characters) makes a
        repeat answer `applied` again without acting again: a job remembers the newest four that were applied to it.
        The COPY effect is not applied here (the caller enqueues the copy). A held job that is run now has passed its
        gate, whatever its limit says."""
        ...

    def sweep(self, sweep: Sweep) -> Swept:
        """Apply a verb to a chunk of a state's jobs, in its natural order; see `act` and Sweep. COPY refuses."""
        ...

    def pause(self, queue: str, reason: str) -> None:
        """Stop claims from a queue; idempotent. What runs goes on."""
        ...

    def resume(self, queue: str) -> None: ...

    def purge(self, queue: str, state: State, before_ms: int, limit: int) -> int:
        """Delete up to `limit` jobs of a state (not running) that entered it before a store time (by finish time for
        final states, by ready time, due time or time held for the others use enqueue time); answers how many."""
        ...

    def adopt(self, queue: str, jobs: Sequence[StoredJob]) -> list[bool]:
        """Store jobs of another store as they are, under their ids, in their state and place, with attempts, times,
        error and lines; not running ones (ValueError). Answers for each whether it was new here: an id that is live or
        retained is left as it is. A unique key that another job holds is not taken, the job is stored all the same."""
        ...

    def withdraw(self, queue: str, jobs: Sequence[tuple[bytes, State, int]]) -> int:
        """Delete jobs by raw id where they still are in that state and at that score; answers how many."""
        ...

    def order(self, worker: str, orders: WorkerOrders) -> bool:
        """Leave orders for a worker, delivered with its next beat; False when no such worker is known."""
        ...


class Workers(Protocol):
    """The register of living processes."""

    def beat(self, worker: WorkerInfo) -> WorkerOrders:
        """Say that a worker lives and what it does; answers what it is wanted to do."""
        ...

    def forget(self, worker: str) -> None:
        """Strike a worker from the register at its clean end, with its remembered replies."""
        ...

    def workers(self) -> list[WorkerInfo]:
        """Every worker that beat within the last hour, oldest start first; beat_ms says how fresh each is."""
        ...


class Schedules(Protocol):
    """Cron entries, in the slot of the queue they feed."""

    def put_schedule(self, queue: str, key: str, spec: bytes, *, enabled: bool) -> StoredSchedule:
        """Store a definition. A new key starts with last_fire_ms = now; an existing one keeps last fire and switch
        (`enabled` counts for new keys only) and its version grows only when spec differs."""
        ...

    def switch_schedule(self, queue: str, key: str, *, enabled: bool) -> StoredSchedule | None:
        """Enable or disable; switching on sets last_fire_ms = now (what was missed stays missed). None: no such key.
        Idempotent: switching to what it is changes nothing."""
        ...

    def adopt_schedule(self, schedule: StoredSchedule) -> bool:
        """Store a schedule of another store as it is, with switch, version and last fire; False: its key is there."""
        ...

    def remove_schedule(self, queue: str, key: str) -> bool: ...

    def tick(self, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
        """One compare-and-set on (enabled, version, last_fire_ms) that moves last_fire_ms to fire_ms and stores the
        job; False when any of them differs. The job's id is `fire_raw(key, fire_ms)`, its queue is `queue`."""
        ...

    def schedules(self) -> list[StoredSchedule]:
        """All of them, by key."""
        ...


class Readers(Protocol):
    """What dashboards, commands and recorders read."""

    def now_ms(self) -> int: ...

    def counts(self) -> list[QueueCounts]:
        """Every queue that ever held a job, a schedule or a pause, by name; O(queues), never O(jobs)."""
        ...

    def get(self, refs: Sequence[JobRef]) -> list[StoredJob | None]:
        """Jobs whole, in the order given; None where there is none any more."""
        ...

    def page(self, query: PageQuery) -> Page: ...

    def ahead(self, ref: JobRef, limit: int) -> int | None:
        """How many pending jobs of its queue come before a pending job in run order, counted up to `limit`; None when
        it is not pending."""
        ...

    def gate(self, queue: str, name: str) -> GateInfo | None:
        """How a gate stands; None when nobody passed or waits there."""
        ...

    def journal(self, queue: str, stream: str, after: str, limit: int) -> list[JournalEntry]:
        """Entries of "failures" or "completed" written after a position ("" means from the oldest kept)."""
        ...

    def minutes(self, queue: str, since: int) -> dict[int, dict[str, int]]:
        """Counters by minute (minutes since 1970) from `since` on, by metric."""
        ...


class Backend(Intake, Work, Control, Workers, Schedules, Readers, Protocol):
    """A store. Objects are safe to use from several threads; after a fork, open another."""

    features: Features
    url: str  # without the password

    @property
    def store_id(self) -> str:
        """Made once when the store was, so that a replaced store is told from its predecessor."""
        ...

    def open(self) -> None:
        """Connect, create or check the format. Raises StoreUnavailable or StoreFormatError. Repeatable."""
        ...

    def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers within two seconds."""
        ...

    def close(self) -> None: ...
