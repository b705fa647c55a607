"""Schedules as rows, so that their definitions and switches outlive their store."""

from __future__ import annotations

import sys
from typing import Any

from core.backends.contract import Backend
from core.model.schedule import ScheduleSpec, StoredSchedule, pack_spec, unpack_spec
from jobs_dashboard.models import RecorderCursor, ScheduleRecord

_MARK = "schedules"  # the stream name of the cursor that says: this store has been given what was remembered


def remember_schedule(stored: StoredSchedule) -> None:
    """Write down a schedule as its store holds it."""
    ScheduleRecord.objects.update_or_create(key=stored.key, defaults=_columns(stored))


def keep_schedules(backend: Backend) -> None:
    """Once for a store that is new here: put back what rows remember. Then, each time: remember what it holds."""
    mark: dict[str, Any] = {"store_id": backend.store_id, "queue": "", "stream": _MARK}
    if not RecorderCursor.objects.filter(**mark).exists():
        _put_back(backend)
        RecorderCursor.objects.get_or_create(**mark)
    rows = {row.key: row for row in ScheduleRecord.objects.all()}
    stored = {held.key: held for held in backend.schedules()}
    for key, held in stored.items():
        if key not in rows or _differs(rows[key], held):
            remember_schedule(held)
    ScheduleRecord.objects.filter(key__in=rows.keys() - stored.keys()).delete()


def _put_back(backend: Backend) -> None:
    """The definition, and the switch as a person last left it, also where code has declared it anew meanwhile."""
    held = {stored.key: stored for stored in backend.schedules()}
    for row in ScheduleRecord.objects.all():
        there = held.get(row.key)
        if there is None:
            backend.put_schedule(row.queue, row.key, pack_spec(_spec_of(row)), enabled=row.enabled)
        elif there.enabled != row.enabled:
            backend.switch_schedule(there.queue, row.key, enabled=row.enabled)


def _differs(row: ScheduleRecord, stored: StoredSchedule) -> bool:
    return any(getattr(row, name) != value for name, value in _columns(stored).items())


def _columns(stored: StoredSchedule) -> dict[str, object]:
    spec = unpack_spec(stored.spec)
    return {
        "queue": stored.queue,
        "task": spec.task,
        "cron": spec.cron,
        "every_ms": spec.every_ms,
        "timezone": spec.timezone,
        "arguments": spec.arguments,
        "priority": spec.priority,
        "max_attempts": spec.max_attempts,
        "options": bytes(spec.options),
        "origin": spec.origin,
        "enabled": stored.enabled,
    }


def _spec_of(row: ScheduleRecord) -> ScheduleSpec:
    """Interned, because msgspec knows a default by identity: the bytes come out as they went in."""
    return ScheduleSpec(
        task=row.task,
        cron=row.cron,
        every_ms=row.every_ms,
        timezone=sys.intern(row.timezone),
        arguments=row.arguments,
        priority=row.priority,
        max_attempts=row.max_attempts,
        options=bytes(row.options),
        origin=sys.intern(row.origin),
    )
