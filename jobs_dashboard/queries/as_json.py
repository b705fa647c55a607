"""Jobs, queues and workers as plain data for JSON: the same in the HTTP API and in `--json` of the commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.backends.contract import QueueCounts
from core.model.clock import from_ms
from core.model.outcome import AttemptLine
from core.model.progress import Progress
from core.model.snapshot import JobSnapshot
from core.model.states import FINAL, State
from core.model.worker import WorkerInfo
from jobs_dashboard.models import JobRecord

from .payload import masked

COUNTED = (
    State.PENDING,
    State.SCHEDULED,
    State.HELD,
    State.RUNNING,
    State.FAILED,
    State.DEAD,
    State.COMPLETED,
    State.CANCELLED,
)


def job_line(job: JobSnapshot) -> dict[str, Any]:
    """A job in a list: no payload, no traceback."""
    return {
        "id": job.id,
        "task": job.task,
        "queue": job.queue,
        "state": str(job.state),
        "priority": job.priority,
        "attempts": job.attempts,
        "tries": job.tries,
        "max_attempts": job.max_attempts,
        "created_at": _iso(job.created_at),
        "due_at": _iso(job.due_at),
        "started_at": _iso(job.started_at),
        "finished_at": _iso(job.finished_at),
        "reason": job.reason,
    }


def job_whole(job: JobSnapshot) -> dict[str, Any]:
    """All there is to say of a job; values under names that look like secrets are masked."""
    error = job.error
    return {
        **job_line(job),
        "arguments": masked(job.arguments),
        "metadata": masked(job.metadata),
        "worker": job.stored.worker,
        "parent": job.options.parent or None,
        "schedule": job.options.schedule or None,
        "cancel_asked": job.stored.cancel_asked,
        "progress": progress(job.progress),
        "checkpoint": masked(job.checkpoint),
        "log": job.log,
        "result": masked(job.result),
        "error": error and {"type": error.type, "message": error.message, "traceback": error.traceback},
        "history": [attempt(line) for line in job.lines],
    }


def job_remembered(record: JobRecord) -> dict[str, Any]:
    """The same members, from rows: what rows do not hold is null."""
    runs = list(record.runs.all()[:100])
    last = runs[-1] if runs else None
    is_final = record.state in FINAL
    return {
        "id": record.job_id,
        "task": record.task,
        "queue": record.queue,
        "state": record.state,
        "priority": 0,
        "attempts": record.attempts,
        "tries": last.tries if last else 0,
        "max_attempts": record.max_attempts,
        "created_at": _iso(record.enqueued_at),
        "due_at": None,
        "started_at": _iso(last.started_at) if last else None,
        "finished_at": _iso(record.updated_at) if is_final else None,
        "reason": record.reason,
        "arguments": None,
        "metadata": None,
        "worker": record.worker,
        "parent": None,
        "schedule": None,
        "cancel_asked": False,
        "progress": None,
        "checkpoint": None,
        "log": "",
        "result": None,
        "error": {"type": record.error_type, "message": record.error_line, "traceback": ""}
        if record.error_type
        else None,
        "history": [
            {
                "attempt": run.attempt,
                "state": run.state,
                "started_at": _iso(run.started_at),
                "finished_at": _iso(run.finished_at),
                "worker": run.worker,
                "error_type": run.error_type,
                "error": run.error_line,
            }
            for run in runs
        ],
    }


def progress(told: Progress | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {"done": told.done, "total": told.total, "message": told.message, "ratio": told.ratio}


def attempt(line: AttemptLine) -> dict[str, Any]:
    return {
        "attempt": line.attempt,
        "state": line.state,
        "started_at": _iso_ms(line.started_ms),
        "finished_at": _iso_ms(line.finished_ms),
        "worker": line.worker,
        "error_type": line.error_type,
        "error": line.error_line,
    }


def stats(counts: Sequence[QueueCounts]) -> dict[str, Any]:
    """Counters by state, of all queues and of each; `total_jobs` is what the store holds now."""
    total = {str(state): sum(queue.states.get(state, 0) for queue in counts) for state in COUNTED}
    return {
        "total": total,
        "queues": {queue.queue: {str(state): queue.states.get(state, 0) for state in COUNTED} for queue in counts},
        "total_jobs": sum(total.values()),
        "last_processed": _iso_ms(max((queue.last_processed_ms for queue in counts), default=0)),
    }


def worker(info: WorkerInfo, now_ms: int) -> dict[str, Any]:
    return {
        "id": info.id,
        "role": info.role,
        "label": info.label,
        "host": info.host,
        "pid": info.pid,
        "queues": list(info.queues),
        "slots": info.slots,
        "running": list(info.running),
        "quiet": info.quiet,
        "started_at": _iso_ms(info.started_ms),
        "last_beat_s": round(max(0, now_ms - info.beat_ms) / 1000, 1),
        "memory_bytes": info.memory_bytes,
        "version": info.version,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def _iso_ms(at_ms: int) -> str | None:
    return _iso(from_ms(at_ms)) if at_ms else None
