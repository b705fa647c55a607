"""Cron entries: definitions, switches, and the compare-and-set of a tick."""

from __future__ import annotations

import sqlite3

from msgspec.structs import replace

from ...model.job import NewJob
from ...model.schedule import StoredSchedule
from .intake import add
from .statements import SQL
from .transaction import Transaction


def put(tx: Transaction, queue: str, key: str, spec: bytes, *, enabled: bool) -> StoredSchedule:
    held = _find(tx, queue, key)
    if held is None:
        held = StoredSchedule(queue=queue, key=key, spec=spec, enabled=enabled, version=1, last_fire_ms=tx.now_ms)
    elif held.spec != spec:
        held = replace(held, spec=spec, version=held.version + 1)
    return _save(tx, held)


def switch(tx: Transaction, queue: str, key: str, *, enabled: bool) -> StoredSchedule | None:
    held = _find(tx, queue, key)
    if held is None or held.enabled == enabled:
        return held
    since_ms = tx.now_ms if enabled else held.last_fire_ms  # what was missed while it was off stays missed
    return _save(tx, replace(held, enabled=enabled, version=held.version + 1, last_fire_ms=since_ms))


def adopt(tx: Transaction, schedule: StoredSchedule) -> bool:
    """Store one of another store as it is; False when its key is there."""
    is_new = _find(tx, schedule.queue, schedule.key) is None
    if is_new:
        _save(tx, schedule)
    return is_new


def remove(tx: Transaction, queue: str, key: str) -> bool:
    row = tx.find_queue(queue)
    return row is not None and tx.db.execute(SQL["schedule_remove"], (row.id, key)).rowcount > 0


def tick(tx: Transaction, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
    held = _find(tx, queue, key)
    if held is None or not held.enabled or (held.version, held.last_fire_ms) != (version, last_fire_ms):
        return False
    _save(tx, replace(held, last_fire_ms=fire_ms, last_job=job.raw))
    add(tx, [job])
    return True


def schedules(db: sqlite3.Connection) -> list[StoredSchedule]:
    return [_stored(*row) for row in db.execute(SQL["schedule_list"])]


def _find(tx: Transaction, queue: str, key: str) -> StoredSchedule | None:
    row = tx.find_queue(queue)
    found = tx.db.execute(SQL["schedule_find"], (row.id, key)).fetchone() if row else None
    return _stored(queue, key, *found) if found else None


def _save(tx: Transaction, held: StoredSchedule) -> StoredSchedule:
    columns = (held.key, held.spec, held.enabled, held.version, held.last_fire_ms, held.last_job)
    queue = tx.queue(held.queue)
    queue.is_known = 1
    tx.db.execute(SQL["schedule_save"], (queue.id, *columns))
    return held


def _stored(
    queue: str, key: str, spec: bytes, enabled: int, version: int, last_fire_ms: int, last_job: bytes
) -> StoredSchedule:
    return StoredSchedule(
        queue=queue,
        key=key,
        spec=spec,
        enabled=bool(enabled),
        version=version,
        last_fire_ms=last_fire_ms,
        last_job=last_job,
    )
