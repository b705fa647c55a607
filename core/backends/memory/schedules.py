"""Schedules of one queue in memory."""

from __future__ import annotations

from msgspec.structs import replace

from ...model.schedule import StoredSchedule
from .queue import MemoryQueue


def put(queue: MemoryQueue, key: str, spec: bytes, now: int, *, enabled: bool) -> StoredSchedule:
    held = queue.schedules.get(key)
    if held is None:
        held = StoredSchedule(queue=queue.name, key=key, spec=spec, enabled=enabled, version=1, last_fire_ms=now)
    elif held.spec != spec:
        held = replace(held, spec=spec, version=held.version + 1)
    return store(queue, held)


def switch(queue: MemoryQueue, key: str, now: int, *, enabled: bool) -> StoredSchedule | None:
    held = queue.schedules.get(key)
    if held is None or held.enabled == enabled:
        return held
    since = now if enabled else held.last_fire_ms
    return store(queue, replace(held, enabled=enabled, version=held.version + 1, last_fire_ms=since))


def fire(queue: MemoryQueue, key: str, version: int, last_fire_ms: int, fire_ms: int, raw: bytes) -> bool:
    """Note a tick, if the schedule is enabled and still is as the caller saw it."""
    held = queue.schedules.get(key)
    if held is None or (held.enabled, held.version, held.last_fire_ms) != (True, version, last_fire_ms):
        return False
    store(queue, replace(held, last_fire_ms=fire_ms, last_job=raw))
    return True


def store(queue: MemoryQueue, entry: StoredSchedule) -> StoredSchedule:
    queue.is_known = True
    queue.schedules[entry.key] = entry
    return entry
