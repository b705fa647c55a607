"""Schedules: when they fire, in an expression and in words; what came of the last run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cron_descriptor import ExpressionDescriptor, FormatException, Options

from core.model.cron import next_fire_ms
from core.model.ident import JobRef
from core.model.schedule import ScheduleSpec, StoredSchedule, unpack_spec
from core.model.states import State

from . import payload, snapshot
from .store import readers

LATE_MS = 60_000


@dataclass(frozen=True)
class ScheduleRow:
    """One schedule. next_ms: 0 while it is switched off or when it never fires again."""

    key: str
    queue: str
    task: str
    preview: str
    expression: str
    is_cron: bool
    words: str
    zone: str
    enabled: bool
    next_ms: int
    last_ms: int
    last_job: str
    last_state: State | None
    is_late: bool
    origin: str


def schedule_rows() -> tuple[ScheduleRow, ...]:
    """All of them, by key."""
    held = snapshot.current()
    refs = [JobRef(entry.queue, entry.last_job) for entry in held.schedules if entry.last_job]
    found = readers().get(refs) if refs else []
    states = {str(ref): job.state for ref, job in zip(refs, found, strict=True) if job is not None}
    return tuple(_row(entry, states, held.at_ms) for entry in held.schedules)


def schedule_row(key: str) -> ScheduleRow | None:
    return next((row for row in schedule_rows() if row.key == key), None)


def _row(entry: StoredSchedule, states: Mapping[str, State], now_ms: int) -> ScheduleRow:
    spec = unpack_spec(entry.spec)
    due_ms = next_fire_ms(spec, entry.last_fire_ms) or 0
    last_job = str(JobRef(entry.queue, entry.last_job)) if entry.last_job else ""
    return ScheduleRow(
        key=entry.key,
        queue=entry.queue,
        task=spec.task,
        preview=payload.shown(spec.arguments),
        expression=spec.cron or every(spec.every_ms),
        is_cron=bool(spec.cron),
        words=in_words(spec),
        zone=spec.timezone,
        enabled=entry.enabled,
        next_ms=due_ms if entry.enabled else 0,
        last_ms=entry.last_fire_ms if entry.last_job else 0,
        last_job=last_job,
        last_state=states.get(last_job),
        is_late=entry.enabled and bool(due_ms) and now_ms - due_ms > LATE_MS,
        origin=spec.origin,
    )


def in_words(spec: ScheduleSpec) -> str:
    """ "Every 5 minutes"; for an expression that has no good words, the expression."""
    return f"Every {every(spec.every_ms)}" if spec.every_ms else _cron_words(spec.cron)


def every(interval_ms: int) -> str:
    """An interval in its largest whole unit."""
    for unit_ms, one in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")):
        if interval_ms >= unit_ms and interval_ms % unit_ms == 0:
            count = interval_ms // unit_ms
            return one if count == 1 else f"{count} {one}s"
    return f"{interval_ms} ms"


@lru_cache(maxsize=1024)
def _cron_words(expression: str) -> str:
    options = Options()
    options.use_24hour_time_format = True
    try:
        return ExpressionDescriptor(expression, options).get_description()
    except FormatException:
        return expression
