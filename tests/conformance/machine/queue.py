"""A queue in its plainest form: a dictionary of jobs and the rules; what every store must agree with.

It shares no line with any store and keeps no index: whatever is asked is computed from all jobs.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.model.gate import Gate, task_gate
from core.model.job import pending_score, ready_ms_of
from core.model.outcome import Charge
from core.model.states import EFFECTS, FINAL, Effect, State, Verb

from .gates import ModelGates
from .keys import ModelKeys
from .values import DUE, ModelClaim, ModelJob, ModelNew, ModelOutcome, ModelSwept, Place

PROMOTED_AT_ONCE = 100
KEPT_LINES = 10
KEPT_OPERATIONS = 4
ENDS_AN_ATTEMPT = (State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED)
STOPPED = "cancelled while running"


class ModelQueue:
    """The rules of one queue; `now` tells the time."""

    def __init__(self, now: Callable[[], int], lease_ms: int) -> None:
        self._now = now
        self._lease_ms = lease_ms
        self.jobs: dict[bytes, ModelJob] = {}
        self.gates = ModelGates(self.jobs)
        self.keys = ModelKeys()
        self.is_paused = False
        self.processed = self.failures = 0
        self.last_processed_ms = {0}  # when the newest attempt ended: by turn and, should time go back, by the clock
        self._claims = 0
        self._watched_ms: int | None = None
        self._quiet_until_ms = 0
        self._stirred: set[str] = set()

    def of(self, state: State) -> list[ModelJob]:
        """The jobs of a state in its natural order."""
        found = (job for job in self.jobs.values() if job.state is state)
        return sorted(found, key=lambda job: job.place, reverse=state in FINAL)

    def add(self, new: ModelNew) -> tuple[bytes, bool]:
        """The id of the job that is there now, and whether it was made."""
        if new.raw in self.jobs:
            return new.raw, False
        if holder := self.keys.holder(new.unique_key, self._now()):
            return holder, False
        job = self.jobs[new.raw] = ModelJob(new, self._now())
        self._place(job, State.SCHEDULED if new.delay_ms else State.PENDING, new.delay_ms)
        self.keys.take(new, self._now())
        return new.raw, True

    # Workers

    def exchange(
        self, worker: str, outcomes: Sequence[ModelOutcome], want: int, serve: Sequence[str]
    ) -> tuple[list[bytes], list[ModelClaim]]:
        verdicts = [self.settle(outcome) for outcome in outcomes]
        for outcome, is_accepted in zip(outcomes, verdicts, strict=True):
            for new in outcome.then if is_accepted else ():
                self.add(new)
        self.promote()
        claims = [] if self.is_paused else self.claim(worker, want, serve)
        self.refill()
        refused = [it.claim.raw for it, is_accepted in zip(outcomes, verdicts, strict=True) if not is_accepted]
        return refused, claims

    def settle(self, outcome: ModelOutcome) -> bool:
        job = self.held(outcome.claim)
        if job is None or (outcome.if_expired and job.score > self._now()):
            return False
        state, job.reason = outcome.state, outcome.reason
        if job.cancel_asked and state not in FINAL:
            state, job.reason = State.CANCELLED, STOPPED
        job.attempts -= outcome.charge is Charge.RETURNED
        is_lost = outcome.charge in (Charge.LOST, Charge.CRASHED)
        job.forgiven += is_lost
        job.losses = 0 if outcome.charge is Charge.CLEARED else job.losses + is_lost
        job.crashes += outcome.charge is Charge.CRASHED
        job.lines = [*job.lines, outcome.line][-KEPT_LINES:]
        self._place(job, state, outcome.delay_ms)
        if state is State.HELD and outcome.held_at:
            self._line_up(job, outcome.held_at)
        if state in ENDS_AN_ATTEMPT:
            self.processed += 1
            self.failures += state in (State.FAILED, State.DEAD)
            self.last_processed_ms = {self._now(), max(self._now(), *self.last_processed_ms)}
        return True

    def promote(self) -> None:
        due = [job for state in DUE for job in self.of(state) if job.score <= self._now()]
        for job in sorted(due, key=lambda job: job.place)[:PROMOTED_AT_ONCE]:
            job.ready_ms = job.score
            self._move(job, State.PENDING, pending_score(job.new.priority, job.ready_ms))

    def claim(self, worker: str, want: int, serve: Sequence[str]) -> list[ModelClaim]:
        self.refill()
        for name in self.gates.with_rules():
            self._let_through(name, want)
        for task in serve:
            for job in self.gates.line(task_gate(task))[:want]:
                self._move(job, State.PENDING, job.line_score)
        claims: list[ModelClaim] = []
        for job in self.of(State.PENDING):
            if len(claims) < want and self._passes(job):
                claims.append(self._take(job, worker))
        return claims

    def _passes(self, job: ModelJob) -> bool:
        gate, now = job.new.gate, self._now()
        if gate is None or job.has_passed:
            return True
        job.has_passed = self.gates.may_pass(gate, now)
        if job.has_passed:
            self.gates.pay(gate.name, now)
        else:
            self._place(job, State.HELD)
            self._line_up(job, gate.name)
            self._stirred.add(gate.name)
        return job.has_passed

    def _take(self, job: ModelJob, worker: str) -> ModelClaim:
        self._claims += 1
        job.attempt, job.worker, job.claimed_ms = self._claims, worker, self._now()
        job.attempts += 1
        self._move(job, State.RUNNING, self._now() + self._lease_ms)
        return self.claim_of(job)

    def claim_of(self, job: ModelJob) -> ModelClaim:
        counted = (job.attempts, job.forgiven, job.losses, job.crashes)
        return ModelClaim(job.raw, job.attempt, *counted, job.ready_ms, job.claimed_ms)

    def held(self, claim: ModelClaim) -> ModelJob | None:
        job = self.jobs.get(claim.raw)
        return job if job and job.state is State.RUNNING and job.attempt == claim.attempt else None

    def asked_to_cancel(self, worker: str) -> set[bytes]:
        return {job.raw for job in self.of(State.RUNNING) if job.cancel_asked and job.worker == worker}

    def next_due_ms(self) -> int:
        opening = 0 if self.is_paused else self.gates.next_opening_ms(self._now())
        due = [job.score for state in DUE for job in self.of(state)]
        return min((at for at in (*due, opening) if at), default=0)

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
                self._move(job, State.PENDING, job.line_score)
        self.refill()
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
        return jumped, [self.claim_of(job) for job in self.of(State.RUNNING) if job.score <= now]

    # Operators

    def act(self, verb: Verb, raw: bytes, operation: str, reason: str) -> bool:
        job = self.jobs.get(raw)
        if job is None or operation in job.operations:
            return job is not None
        applied = self._apply(EFFECTS[verb][job.state], job, reason)
        if applied:
            job.operations = (operation, *job.operations)[:KEPT_OPERATIONS]
        self.refill()
        return applied

    def _apply(self, effect: Effect, job: ModelJob, reason: str) -> bool:
        if effect in (Effect.CONFLICT, Effect.COPY):
            return False
        if effect is Effect.RUN_AFRESH:
            if not self.keys.take_again(job.new, self._now()):
                return False
            job.forgiven, job.losses, job.crashes = job.attempts, min(job.losses, 1), 0
        if effect is Effect.ASK:
            job.cancel_asked = True
        elif effect is Effect.CANCEL:
            job.reason = reason
            self._place(job, State.CANCELLED)
        else:
            by_order = job.new.gate if job.state is State.HELD else None
            job.reason = reason
            self._place(job, State.PENDING)
            if by_order:
                self.gates.stand(by_order, self._now())
                job.has_passed = True
        return True

    def sweep(
        self, verb: Verb, state: State, before_ms: int, operation: str, reason: str, after: Place | None, limit: int
    ) -> ModelSwept:
        places = [job.place for job in self.of(state)]
        behind = [place for place in places if after is None or (place < after if state in FINAL else place > after)]
        chunk = [self.jobs[raw] for _, raw in behind[:limit]]
        last = behind[limit - 1] if len(behind) > limit else None
        applied = [
            self.act(verb, job.raw, operation, reason) for job in [job for job in chunk if job.entered_ms < before_ms]
        ]
        return ModelSwept(sum(applied), len(applied) - sum(applied), len(chunk), last)

    def purge(self, state: State, before_ms: int) -> int:
        doomed = [job for job in self.of(state) if job.entered_ms < before_ms]
        return self._delete(doomed if state is not State.RUNNING else [])

    def trim(self, state: State, keep: int, before_ms: int) -> int:
        jobs = self.of(state)
        return self._delete(jobs[keep:] + [job for job in jobs[:keep] if job.score < before_ms])

    def withdraw(self, places: Sequence[tuple[bytes, State, int]]) -> list[ModelJob]:
        """Those who were there, and are no longer."""
        doomed = [
            job
            for raw, state, score in places
            if (job := self.jobs.get(raw)) and (job.state, job.score) == (state, score)
        ]
        self._delete(doomed)
        return doomed

    def adopt(self, job: ModelJob, held_at: str) -> bool:
        """A job as it was when it was read: no slot, no claim and no operation came along."""
        if job.raw in self.jobs:
            return False
        is_pending = job.state is State.PENDING
        line_score = job.score if is_pending else pending_score(job.new.priority, job.enqueued_ms)
        ready_ms = ready_ms_of(job.score) if is_pending else job.enqueued_ms
        came = replace(job, line_score=line_score, ready_ms=ready_ms, operations=(), has_passed=False, held_at="")
        self.jobs[job.raw] = came
        if held_at:
            self._line_up(came, held_at)
        self.keys.take_along(came, self._now())
        return True

    # Steps

    def refill(self) -> None:
        """Where something has changed, as many pass as may."""
        while self._stirred:
            self._let_through(self._stirred.pop(), len(self.jobs))

    def _let_through(self, name: str, most: int) -> None:
        for _ in range(most):
            job = self.gates.next_through(name, self._now())
            if job is None:
                return
            self._move(job, State.PENDING, job.line_score)
            job.has_passed = True
            self.gates.pay(name, self._now())

    def _line_up(self, job: ModelJob, name: str) -> None:
        own = job.new.gate
        self.gates.stand(own if own and own.name == name else Gate(name), self._now())
        job.held_at = name

    def _delete(self, doomed: list[ModelJob]) -> int:
        for job in doomed:
            self._give_up_slot(job)
            self.keys.give_back(job.new)
            del self.jobs[job.raw]
        self.refill()
        return len(doomed)

    def _place(self, job: ModelJob, state: State, delay_ms: int = 0) -> None:
        """Put a job where it naturally stands in a state other than running."""
        now = self._now()
        score = now + delay_ms if state in DUE else now
        if state is State.PENDING:
            job.ready_ms, score = now, pending_score(job.new.priority, now)
        job.cancel_asked = False
        self._move(job, state, score)

    def _move(self, job: ModelJob, state: State, score: int) -> None:
        job.held_at = ""
        if state is not State.RUNNING:
            self._give_up_slot(job)
        job.state, job.score = state, score
        job.line_score = score if state is State.PENDING else job.line_score
        self.keys.entered(job.new, state)

    def _give_up_slot(self, job: ModelJob) -> None:
        if job.has_passed and job.new.gate:
            job.has_passed = False
            self._stirred.add(job.new.gate.name)
