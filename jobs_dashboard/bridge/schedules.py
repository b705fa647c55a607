"""Schedules as rows, so that their definitions and switches outlive their store."""

from __future__ import annotations

from core.model.schedule import StoredSchedule, unpack_spec
from jobs_dashboard.models import ScheduleRecord


def remember_schedule(stored: StoredSchedule) -> None:
    """Write down a schedule as its store holds it."""
    spec = unpack_spec(stored.spec)
    ScheduleRecord.objects.update_or_create(
        key=stored.key,
        defaults={
            "queue": stored.queue,
            "task": spec.task,
            "cron": spec.cron,
            "every_ms": spec.every_ms,
            "timezone": spec.timezone,
            "arguments": spec.arguments,
            "priority": spec.priority,
            "max_attempts": spec.max_attempts,
            "options": spec.options,
            "origin": spec.origin,
            "enabled": stored.enabled,
        },
    )
