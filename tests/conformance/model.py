"""A queue in its plainest form: a dictionary of jobs and the rules; what every store must agree with.

It shares no line with any store and keeps no index: whatever is asked is computed from all jobs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.model.job import pending_score
from core.model.outcome import Charge
from core.model.states import EFFECTS, FINAL, Effect, State, Verb

PROMOTED_AT_ONCE = 100
KEPT_LINES = 10
DUE = (State.SCHEDULED, State.FAILED)
ENDS_AN_ATTEMPT = (State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED)
STOPPED = "cancelled while running"


@dataclass
class ModelJob:
    """A job; `attempt` tells its claims apart, as a token would."""

    raw: bytes
    priority: int
    unique_key: str
    enqueued_ms: int
    state: State = State.PENDING
    score: int = 0
    ready_ms: int = 0
    attempts: int = 0
    forgiven: int = 0
    losses: int = 0
    attempt: int = 0
    worker: str = ""
    claimed_ms: int = 0
    old_score: int = 0
    cancel_asked: bool = False
    operation: str = ""
    reason: str = ""
    lines: list[bytes] = field(default_factory=list)

    @property
    def place(self) -> tuple[int, bytes]:
        return (self.score, self.raw)


@dataclass(frozen=True)
class ModelNew:
    """A request for a job."""

    raw: bytes
    priority: int = 0
    delay_ms: int = 0
    unique_key: str = ""


@dataclass(frozen=True)
class ModelClaim:
    """What a claim promises, but for its token, which each store chooses."""

    raw: bytes
    attempt: int
    attempts: int
    forgiven: int
    losses: int
    ready_ms: int
    claimed_ms: int


@dataclass(frozen=True)
class ModelOutcome:
    """An outcome for a claim, which may be stale."""

    claim: ModelClaim
    state: State
    charge: Charge = Charge.COUNTED
    delay_ms: int = 0
    reason: str = ""
    line: bytes = b""
    if_expired: bool = False
    then: tuple[ModelNew, ...] = ()


class ModelQueue:
    """The rules of one queue; `now` tells the time."""

    def __init__(self, now: Callable[[], int], lease_ms: int) -> None:
        self._now = now
        self._lease_ms = lease_ms
        self.jobs: dict[bytes, ModelJob] = {}
        self.is_paused = False
        self.processed = self.failures = self.last_processed_ms = 0
        self._claims = 0
        self._watched_ms: int | None = None
        self._quiet_until_ms = 0

    def of(self, state: State) -> list[ModelJob]:
        """The jobs of a state in its natural order."""
        found = (job for job in self.jobs.values() if job.state is state)
        return sorted(found, key=lambda job: job.place, reverse=state in FINAL)

    def holder(self, key: str) -> ModelJob | None:
        live = (job for job in self.jobs.values() if key and job.unique_key == key and job.state not in FINAL)
        return next(live, None)

    def add(self, new: ModelNew) -> tuple[bytes, bool]:
        """The id of the job that is there now, and whether it was made."""
        if new.raw in self.jobs:
            return new.raw, False
        if holder := self.holder(new.unique_key):
            return holder.raw, False
        now = self._now()
        job = self.jobs[new.raw] = ModelJob(new.raw, new.priority, new.unique_key, now)
        self._place(job, State.SCHEDULED if new.delay_ms else State.PENDING, new.delay_ms)
        return new.raw, True

    # Workers

    def settle(self, outcome: ModelOutcome) -> bool:
        job = self.held(outcome.claim)
        if job is None or (outcome.if_expired and job.score > self._now()):
            return False
        state, job.reason = outcome.state, outcome.reason
        if job.cancel_asked and state not in FINAL:
            state, job.reason = State.CANCELLED, STOPPED
        job.attempts -= outcome.charge is Charge.RETURNED
        job.forgiven += outcome.charge is Charge.LOST
        job.losses += outcome.charge is Charge.LOST
        job.lines = [*job.lines, outcome.line][-KEPT_LINES:]
        self._place(job, state, outcome.delay_ms)
        if state in ENDS_AN_ATTEMPT:
            self.processed += 1
            self.failures += state in (State.FAILED, State.DEAD)
            self.last_processed_ms = self._now()
        for new in outcome.then:
            self.add(new)
        return True

    def promote(self) -> None:
        due = [job for state in DUE for job in self.of(state) if job.score <= self._now()]
        for job in sorted(due, key=lambda job: job.place)[:PROMOTED_AT_ONCE]:
            job.state, job.ready_ms = State.PENDING, job.score
            job.score = pending_score(job.priority, job.ready_ms)

    def claim(self, worker: str, want: int) -> list[ModelClaim]:
        claims = []
        for job in [] if self.is_paused else self.of(State.PENDING)[:want]:
            self._claims += 1
            job.attempt, job.worker, job.old_score = self._claims, worker, job.score
            job.state, job.score = State.RUNNING, self._now() + self._lease_ms
            job.attempts, job.claimed_ms = job.attempts + 1, self._now()
            claims.append(self.claim_of(job))
        return claims

    def claim_of(self, job: ModelJob) -> ModelClaim:
        counted = (job.attempts, job.forgiven, job.losses)
        return ModelClaim(job.raw, job.attempt, *counted, job.ready_ms, job.claimed_ms)

    def held(self, claim: ModelClaim) -> ModelJob | None:
        job = self.jobs.get(claim.raw)
        return job if job and job.state is State.RUNNING and job.attempt == claim.attempt else None

    def asked_to_cancel(self, worker: str) -> set[bytes]:
        return {job.raw for job in self.of(State.RUNNING) if job.cancel_asked and job.worker == worker}

    def next_due_ms(self) -> int:
        return min((job.score for state in DUE for job in self.of(state)), default=0)

    def renew(self, claims: Sequence[ModelClaim]) -> list[bytes]:
        lost = []
        for claim in claims:
            if job := self.held(claim):
                job.score = self._now() + self._lease_ms
            else:
                lost.append(claim.raw)
        return lost

    def release(self, claims: Sequence[ModelClaim]) -> int:
        released = 0
        for job in filter(None, map(self.held, claims)):
            job.attempts -= 1
            released += 1
            if job.cancel_asked:
                job.reason = STOPPED
                self._place(job, State.CANCELLED)
            else:
                job.state, job.score = State.PENDING, job.old_score
        return released

    def rescue(self) -> tuple[bool, list[ModelClaim]]:
        now, last, self._watched_ms = self._now(), self._watched_ms, self._now()
        running = self.of(State.RUNNING)
        jumped = bool(running) if last is None else not 0 <= now - last <= self._lease_ms // 2
        if jumped:
            self._quiet_until_ms = now + self._lease_ms
            for job in running:
                job.score = max(now, min(job.score, now + self._lease_ms))
        if now < self._quiet_until_ms:
            return jumped, []
        return jumped, [self.claim_of(job) for job in running if job.score <= now]

    # Operators

    def act(self, verb: Verb, raw: bytes, operation: str, reason: str) -> bool:
        job = self.jobs.get(raw)
        if job is None or job.operation == operation:
            return job is not None
        effect = EFFECTS[verb][job.state]
        if effect in (Effect.CONFLICT, Effect.COPY):
            return False
        if effect in (Effect.RUN_NOW, Effect.RUN_AFRESH):
            if self.holder(job.unique_key) not in (None, job):
                return False
            job.forgiven = job.attempts if effect is Effect.RUN_AFRESH else job.forgiven
            self._place(job, State.PENDING)
        elif effect is Effect.CANCEL:
            job.reason = reason
            self._place(job, State.CANCELLED)
        else:
            job.cancel_asked = True
        job.operation = operation
        return True

    def purge(self, state: State, before_ms: int) -> int:
        doomed = [job for job in self.of(state) if self._entered_ms(job) < before_ms]
        return self._delete(doomed if state is not State.RUNNING else [])

    def trim(self, state: State, keep: int, before_ms: int) -> int:
        jobs = self.of(state)
        return self._delete(jobs[keep:] + [job for job in jobs[:keep] if job.score < before_ms])

    def _delete(self, doomed: list[ModelJob]) -> int:
        for job in doomed:
            del self.jobs[job.raw]
        return len(doomed)

    def _entered_ms(self, job: ModelJob) -> int:
        return job.score if job.state in FINAL else job.enqueued_ms

    def _place(self, job: ModelJob, state: State, delay_ms: int = 0) -> None:
        """Put a job where it naturally stands in a state other than running."""
        now = self._now()
        job.state, job.score, job.cancel_asked = state, now, False
        if state in DUE:
            job.score = now + delay_ms
        elif state is State.PENDING:
            job.ready_ms, job.score = now, pending_score(job.priority, now)
