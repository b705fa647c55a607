"""Jobs as rows: from the store's own account of a job, and from lines of its journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from core.model.clock import from_ms
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.outcome import AttemptLine
from jobs_dashboard.models import AttemptRecord, JobRecord

from .wiring import current_backend

_READ_AT_ONCE = 200
_WRITTEN_AT_ONCE = 500
_TEXT = 200
_line = msgspec.msgpack.Decoder(AttemptLine)
_UPDATED = [
    field.attname for field in JobRecord._meta.concrete_fields if field.attname not in ("id", "job_id", "enqueued_at")
]


def remember_jobs(refs: Sequence[JobRef]) -> None:
    """Write down jobs as their store tells of them now."""
    backend = current_backend()
    for start in range(0, len(refs), _READ_AT_ONCE):
        found = backend.get(refs[start : start + _READ_AT_ONCE])
        write_if_newer([record_of_job(job) for job in found if job is not None])


def write_if_newer(records: Sequence[JobRecord]) -> None:
    """Add them; those known already become what is said now, unless they tell of a later moment."""
    known: dict[str, tuple[datetime, int]] = {}
    for start in range(0, len(records), _WRITTEN_AT_ONCE):
        ids = [record.job_id for record in records[start : start + _WRITTEN_AT_ONCE]]
        held = JobRecord.objects.filter(job_id__in=ids).values_list("job_id", "updated_at", "attempts")
        known.update((job_id, (updated_at, attempts)) for job_id, updated_at, attempts in held)
    JobRecord.objects.bulk_create(
        [record for record in records if _moment(record) >= known.get(record.job_id, _moment(record))],
        batch_size=_WRITTEN_AT_ONCE,
        update_conflicts=True,
        unique_fields=["job_id"],
        update_fields=_UPDATED,
    )


def _moment(record: JobRecord) -> tuple[datetime, int]:
    """Two attempts may end in the same millisecond."""
    return record.updated_at, record.attempts


def write_attempts(queue: str, lines: Sequence[AttemptLine]) -> None:
    """Add the attempts of lines whose jobs have their records; one that is there stays as it is."""
    AttemptRecord.objects.bulk_create(
        [attempt_of(queue, line) for line in lines], batch_size=_WRITTEN_AT_ONCE, ignore_conflicts=True
    )


def record_of_job(job: StoredJob) -> JobRecord:
    """A job as its store holds it."""
    last = _line.decode(job.lines[-1]) if job.lines else None
    ended_ms = job.finished_ms or (last.finished_ms if last else 0) or job.enqueued_ms
    return JobRecord(
        job_id=str(job.ref),
        queue=job.ref.queue,
        task=job.task,
        state=job.state,
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        enqueued_at=from_ms(job.enqueued_ms),
        updated_at=from_ms(ended_ms),
        worker=(last.worker if last else "")[:_TEXT],
        error_type=(last.error_type if last else "")[:_TEXT],
        error_line=(last.error_line if last else "")[:_TEXT],
        reason=job.reason[:500],
    )


def record_of_line(queue: str, line: AttemptLine) -> JobRecord:
    """A job as its newest attempt left it."""
    return JobRecord(
        job_id=str(JobRef(queue, line.raw)),
        queue=queue,
        task=line.task,
        state=line.state,
        attempts=line.attempt,
        max_attempts=line.max_attempts,
        enqueued_at=from_ms(line.enqueued_ms),
        updated_at=from_ms(line.finished_ms),
        worker=line.worker[:_TEXT],
        error_type=line.error_type[:_TEXT],
        error_line=line.error_line[:_TEXT],
    )


def attempt_of(queue: str, line: AttemptLine) -> AttemptRecord:
    return AttemptRecord(
        job_id=str(JobRef(queue, line.raw)),
        attempt=line.attempt,
        tries=line.tries,
        state=line.state,
        ready_at=from_ms(line.ready_ms) if line.ready_ms else None,
        claimed_at=from_ms(line.claimed_ms),
        started_at=from_ms(line.started_ms) if line.started_ms else None,
        finished_at=from_ms(line.finished_ms),
        worker=line.worker[:_TEXT],
        error_type=line.error_type[:_TEXT],
        error_line=line.error_line[:_TEXT],
    )
