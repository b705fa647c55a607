"""Cron entries, in the slot of the queue they feed."""

from __future__ import annotations

from ...model.job import NewJob
from ...model.schedule import StoredSchedule
from . import codec
from .verbs import Verbs


class Schedules(Verbs):
    """See contract.Schedules."""

    def put_schedule(self, queue: str, key: str, spec: bytes, *, enabled: bool) -> StoredSchedule:
        packed = self._run_listed("put_schedule", queue, key, int(enabled), spec)
        return codec.unpack_schedule(queue, key, packed)

    def switch_schedule(self, queue: str, key: str, *, enabled: bool) -> StoredSchedule | None:
        packed = self._run("switch_schedule", queue, key, int(enabled))
        return None if packed is None else codec.unpack_schedule(queue, key, packed)

    def adopt_schedule(self, schedule: StoredSchedule) -> bool:
        packed = codec.pack_schedule(schedule)
        return bool(self._run_listed("adopt_schedule", schedule.queue, schedule.key, packed))

    def remove_schedule(self, queue: str, key: str) -> bool:
        return bool(self._link.command("HDEL", self._keys.of_queue(queue, "schedules"), key))

    def tick(self, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
        return bool(self._run("tick", queue, key, version, last_fire_ms, fire_ms, codec.pack_item(job)))

    def schedules(self) -> list[StoredSchedule]:
        queues = self._queue_names()
        kept = self._link.commands([("HGETALL", self._keys.of_queue(queue, "schedules")) for queue in queues])
        entries = [
            codec.unpack_schedule(queue, key.decode(), packed)
            for queue, of_queue in zip(queues, kept, strict=True)
            for key, packed in of_queue.items()
        ]
        return sorted(entries, key=lambda entry: (entry.key, entry.queue))
