"""One job as memory holds it, and its faces: the claim and the stored view."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.job import Claim, NewJob, StoredJob, Unique, pending_score, ready_ms_of
from ...model.limits import KEPT_ATTEMPT_LINES
from ...model.states import State


@dataclass(slots=True)
class Record:
    """What changes about a job beside what it came with."""

    new: NewJob
    enqueued_ms: int
    state: State
    score: int
    due_ms: int = 0
    ready_ms: int = 0
    attempts: int = 0
    forgiven: int = 0
    losses: int = 0
    crashes: int = 0
    worker: str = ""
    token: int = 0
    claimed_ms: int = 0
    lease_until_ms: int = 0
    finished_ms: int = 0
    old_score: int = 0  # where it stood in `pending` last: release and gates put it back there
    has_passed: bool = False  # it holds a slot of its gate
    held_at: str = ""
    cancel_asked: bool = False
    operations: tuple[str, ...] = ()  # the newest of operators, newest first, so that a repeat acts once
    reason: str = ""
    result: bytes | None = None
    error: bytes | None = None
    lines: list[bytes] = field(default_factory=list)
    progress: bytes | None = None
    checkpoint: bytes = b""
    log: bytes = b""

    def add_line(self, line: bytes) -> None:
        self.lines = [*self.lines, line][-KEPT_ATTEMPT_LINES:]

    def as_claim(self) -> Claim:
        new = self.new
        return Claim(
            queue=new.queue,
            raw=new.raw,
            token=self.token,
            task=new.task,
            arguments=new.arguments,
            options=new.options,
            priority=new.priority,
            max_attempts=new.max_attempts,
            attempts=self.attempts,
            forgiven=self.forgiven,
            losses=self.losses,
            enqueued_ms=self.enqueued_ms,
            ready_ms=self.ready_ms,
            claimed_ms=self.claimed_ms,
            crashes=self.crashes,
            checkpoint=self.checkpoint,
        )

    def as_stored(self, *, whole: bool) -> StoredJob:
        """The view of a reader; a row of a page (not whole) carries no result and the newest line only."""
        new, running = self.new, self.state is State.RUNNING
        return StoredJob(
            ref=new.ref,
            state=self.state,
            score=self.score,
            task=new.task,
            arguments=new.arguments,
            options=new.options,
            priority=new.priority,
            max_attempts=new.max_attempts,
            enqueued_ms=self.enqueued_ms,
            attempts=self.attempts,
            forgiven=self.forgiven,
            losses=self.losses,
            crashes=self.crashes,
            unique_key=new.unique_key,
            unique=new.unique,
            unique_until_ms=self.enqueued_ms + new.unique_ms if new.unique is Unique.FOR_A_TIME else 0,
            gate=new.gate,
            held_at=self.held_at,
            worker=self.worker if running else "",
            token=self.token if running else 0,
            claimed_ms=self.claimed_ms if running else 0,
            lease_until_ms=self.lease_until_ms if running else 0,
            finished_ms=self.finished_ms if self.state.is_final else 0,
            due_ms=self.due_ms if self.state in (State.SCHEDULED, State.FAILED) else 0,
            cancel_asked=running and self.cancel_asked,
            reason=self.reason,
            result=self.result if whole else None,
            error=self.error if whole else None,
            lines=tuple(self.lines if whole else self.lines[-1:]),
            progress=self.progress if whole else None,
            checkpoint=self.checkpoint if whole else b"",
            log=self.log if whole else b"",
        )


def record_of(job: StoredJob) -> Record:
    """A job of another store as this one holds it."""
    new = NewJob(
        queue=job.ref.queue,
        raw=job.ref.raw,
        task=job.task,
        arguments=job.arguments,
        options=job.options,
        priority=job.priority,
        max_attempts=job.max_attempts,
        unique_key=job.unique_key,
        unique=job.unique,
        unique_ms=job.unique_until_ms - job.enqueued_ms if job.unique is Unique.FOR_A_TIME else 0,
        gate=job.gate,
    )
    is_pending = job.state is State.PENDING
    return Record(
        new=new,
        enqueued_ms=job.enqueued_ms,
        state=job.state,
        score=job.score,
        due_ms=job.due_ms,
        ready_ms=ready_ms_of(job.score) if is_pending else job.enqueued_ms,
        attempts=job.attempts,
        forgiven=job.forgiven,
        losses=job.losses,
        crashes=job.crashes,
        finished_ms=job.finished_ms,
        old_score=job.score if is_pending else pending_score(job.priority, job.enqueued_ms),
        held_at=job.held_at,
        reason=job.reason,
        result=job.result,
        error=job.error,
        lines=list(job.lines),
        progress=job.progress,
        checkpoint=job.checkpoint,
        log=job.log,
    )
