"""Cron entries: definitions, switches, and the compare-and-set of a tick."""

from __future__ import annotations

from ...model.job import NewJob
from ...model.schedule import StoredSchedule
from .intake import add
from .transaction import Transaction


def put(tx: Transaction, queue: str, key: str, spec: bytes, *, enabled: bool) -> StoredSchedule:
    place = tx.queue(queue, is_known=True)
    row = tx.one("schedule_put", queue=place, key=key, spec=spec, enabled=enabled, now=tx.now_ms)
    return _stored(queue, key, *row)


def switch(tx: Transaction, queue: str, key: str, *, enabled: bool) -> StoredSchedule | None:
    place = tx.find_queue(queue)
    if place is None:
        return None
    tx.run("schedule_switch", queue=place, key=key, enabled=enabled, now=tx.now_ms)
    row = tx.find("schedule_find", queue=place, key=key)
    return _stored(queue, key, *row) if row else None


def adopt(tx: Transaction, schedule: StoredSchedule) -> bool:
    """A schedule of another store, as it is; False when its key is there."""
    place = tx.queue(schedule.queue, is_known=True)
    told = {"spec": schedule.spec, "enabled": schedule.enabled, "version": schedule.version}
    last = {"last_fire_ms": schedule.last_fire_ms, "last_job": schedule.last_job}
    return tx.run("schedule_adopt", queue=place, key=schedule.key, **told, **last).rowcount > 0


def remove(tx: Transaction, queue: str, key: str) -> bool:
    place = tx.find_queue(queue)
    return place is not None and tx.run("schedule_remove", queue=place, key=key).rowcount > 0


def tick(tx: Transaction, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
    place = tx.find_queue(queue)
    if place is None:
        return False
    expected = {"version": version, "last_fire_ms": last_fire_ms}
    if not tx.run("schedule_tick", queue=place, key=key, fire_ms=fire_ms, job=job.raw, **expected).rowcount:
        return False
    add(tx, [job])
    return True


def schedules(tx: Transaction) -> list[StoredSchedule]:
    return [_stored(*row) for row in tx.all("schedule_list")]


def _stored(
    queue: str, key: str, spec: bytes, enabled: bool, version: int, last_fire_ms: int, last_job: bytes
) -> StoredSchedule:
    return StoredSchedule(
        queue=queue,
        key=key,
        spec=spec,
        enabled=enabled,
        version=version,
        last_fire_ms=last_fire_ms,
        last_job=last_job,
    )
