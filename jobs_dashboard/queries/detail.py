"""One job, whole: what it was asked, how its attempts went, what it gave; from its row when the store has let go."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from core.errors import JobNotFound
from core.model.ident import JobRef
from core.model.outcome import AttemptLine
from core.model.progress import Progress
from core.model.snapshot import JobSnapshot
from core.model.states import State
from jobs_dashboard.models import AttemptRecord, JobRecord, OperatorAction

from . import payload
from .jobs import JobRow, row_of
from .snapshot import current
from .store import readers
from .waiting import reasons_to_wait

AUDIT_ROWS = 20
HISTORY_RUNS = 100


@dataclass(frozen=True)
class Attempt:
    """One run of a handler that ended, or the one that runs now (finished_ms 0)."""

    number: int
    state: State
    worker: str
    started_ms: int
    finished_ms: int
    wait_ms: int | None
    run_ms: int | None
    error_type: str = ""
    error_line: str = ""
    is_latest: bool = False


@dataclass(frozen=True)
class JobError:
    type: str
    message: str
    traceback: SafeString


@dataclass(frozen=True)
class JobDetail:
    """Everything a job's page shows; texts marked safe are escaped already."""

    row: JobRow
    attempts: tuple[Attempt, ...]
    hidden_attempts: int
    arguments: SafeString
    arguments_empty: bool
    result: SafeString | None
    error: JobError | None
    enqueued_ms: int
    due_ms: int
    claimed_ms: int
    lease_until_ms: int
    finished_ms: int
    losses: int
    crashes: int
    unique_key: str
    worker: str
    parent: str
    schedule: str
    metadata: SafeString | None
    timeout_ms: int | None
    next_steps: tuple[str, ...]
    progress: Progress | None = None
    checkpoint: SafeString | None = None
    log: str = ""
    why_not: tuple[str, ...] = ()  # sentences, while it does not run
    audit: tuple[OperatorAction, ...] = ()

    @property
    def has_recovered(self) -> bool:
        """Whether the error is of an attempt before the one that succeeded."""
        return self.error is not None and self.row.state is State.COMPLETED

    @property
    def progress_text(self) -> str:
        return payload.visible(str(self.progress))

    @property
    def progress_value(self) -> str:
        """For the bar, whatever the reader's language writes between whole and parts."""
        return "" if self.progress is None or self.progress.ratio is None else f"{self.progress.ratio:.4f}"

    @property
    def every_s(self) -> int:
        """How often its page looks again: not at all once nothing happens by itself any more."""
        return 0 if self.row.state.is_final else 1 if self.row.state is State.RUNNING else 5


@dataclass(frozen=True)
class Remembered:
    """What the rows keep of a job: no payload, no traceback."""

    record: JobRecord
    runs: tuple[AttemptRecord, ...]
    audit: tuple[OperatorAction, ...]


def job_detail(ref: JobRef) -> JobDetail | None:
    """A job from the store; None when the store does not hold it."""
    [stored] = readers().get([ref])
    if stored is None:
        return None
    job = JobSnapshot(stored)
    options = job.options
    return JobDetail(
        row=row_of(stored),
        attempts=_attempts(job),
        hidden_attempts=max(0, stored.attempts - len(job.lines) - (stored.state is State.RUNNING)),
        arguments=payload.pretty(job.arguments),
        arguments_empty=not job.arguments,
        result=payload.pretty(job.result) if stored.result is not None else None,
        error=_error(job),
        enqueued_ms=stored.enqueued_ms,
        due_ms=stored.due_ms,
        claimed_ms=stored.claimed_ms,
        lease_until_ms=stored.lease_until_ms,
        finished_ms=stored.finished_ms,
        losses=stored.losses,
        crashes=stored.crashes,
        unique_key=stored.unique_key,
        worker=stored.worker,
        parent=options.parent,
        schedule=options.schedule,
        metadata=payload.pretty(options.metadata) if options.metadata else None,
        timeout_ms=options.timeout_ms,
        next_steps=tuple(step.task for step in options.steps),
        progress=job.progress,
        checkpoint=payload.pretty(job.checkpoint) if job.checkpoint is not None else None,
        log=payload.visible(job.log),
        why_not=reasons_to_wait(current(), stored),
        audit=audit_of(str(ref)),
    )


def job_row(ref: JobRef) -> JobRow | None:
    """A job as a line of a list; None when it is gone."""
    [stored] = readers().get([ref])
    return None if stored is None else row_of(stored)


def remembered(ref: JobRef) -> Remembered:
    """A job that its store has let go of, from its row. Raises JobNotFound."""
    record = JobRecord.objects.filter(job_id=str(ref)).first()
    if record is None:
        raise JobNotFound("no job has this id: it never was, or retention deleted it")
    return Remembered(record, tuple(record.runs.order_by("-finished_at", "-id")[:HISTORY_RUNS]), audit_of(str(ref)))


def audit_of(job_id: str) -> tuple[OperatorAction, ...]:
    """What people did to a job, newest first."""
    return tuple(OperatorAction.objects.filter(targets__job_id=job_id)[:AUDIT_ROWS])


def _attempts(job: JobSnapshot) -> tuple[Attempt, ...]:
    """Newest first."""
    ended = [_attempt(line, is_latest=line is job.lines[-1]) for line in job.lines]
    if job.state is State.RUNNING:
        stored = job.stored
        ended.append(
            Attempt(stored.attempts, State.RUNNING, stored.worker, stored.claimed_ms, 0, wait_ms=None, run_ms=None)
        )
    return tuple(reversed(ended))


def _attempt(line: AttemptLine, *, is_latest: bool) -> Attempt:
    started = line.started_ms or line.claimed_ms
    return Attempt(
        number=line.attempt,
        state=State(line.state),
        worker=line.worker,
        started_ms=started,
        finished_ms=line.finished_ms,
        wait_ms=max(0, line.claimed_ms - line.ready_ms) if line.ready_ms else None,
        run_ms=max(0, line.finished_ms - started) if line.finished_ms else None,
        error_type=line.error_type,
        error_line=payload.visible(line.error_line),
        is_latest=is_latest,
    )


def _error(job: JobSnapshot) -> JobError | None:
    if job.error is None:
        return None
    return JobError(job.error.type, payload.visible(job.error.message), payload.traceback(job.error.traceback))
