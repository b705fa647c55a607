"""The scheduler: declares schedules and takes each tick once, however many schedulers run."""

from __future__ import annotations

import threading
from typing import Final

import structlog

from ..control import job_of
from ..errors import StoreError
from ..model.cron import latest_due_ms, next_fire_ms
from ..model.ident import fire_raw
from ..model.job import pack_options
from ..model.payload import unpack_data
from ..model.schedule import ScheduleSpec, StoredSchedule, pack_spec, unpack_spec
from ..tasks.registry import ScheduleDeclaration
from .engine import Engine

LONGEST_NAP_S: Final = 1.0  # a schedule put or switched by somebody else is noticed within this
SHORTEST_NAP_S: Final = 0.02

log = structlog.get_logger("jobs.scheduler")


class Scheduler:
    """A tick is a compare-and-set in the store, so that there is no leader to elect."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._broken: set[tuple[str, int]] = set()  # told once a version

    def run(self, stop: threading.Event) -> None:
        """Take ticks until told to stop. Raises StoreUnavailable: it is started again."""
        self.declare()
        while not stop.is_set():
            stop.wait(self.take_ticks())

    def declare(self) -> None:
        """Store what code declares; a schedule that moved to another queue leaves the old one."""
        backend = self._engine.backend
        stored = backend.schedules()
        for declaration in self._engine.registry.schedules():
            queue, spec = self._spec_of(declaration)
            for other in stored:
                if other.key == declaration.key and other.queue != queue:
                    backend.remove_schedule(other.queue, other.key)
            backend.put_schedule(queue, declaration.key, pack_spec(spec), enabled=declaration.enabled)

    def take_ticks(self) -> float:
        """Enqueue what is due, the newest missed tick of each schedule only; answers seconds until the next look."""
        if not self._engine.config.enabled:
            return LONGEST_NAP_S
        now_ms = self._engine.backend.now_ms()
        soonest = now_ms + int(LONGEST_NAP_S * 1000)
        for entry in self._engine.backend.schedules():
            if entry.enabled:
                try:
                    soonest = min(soonest, self._take(entry, now_ms))
                except StoreError:
                    raise
                except Exception as error:  # noqa: BLE001 - one that cannot be read must not stop the others
                    self._tell_broken(entry, error)
        return max(SHORTEST_NAP_S, (soonest - now_ms) / 1000)

    def _take(self, entry: StoredSchedule, now_ms: int) -> int:
        """Take the newest due tick of one schedule; answers when its next is."""
        spec = unpack_spec(entry.spec)
        due_ms = latest_due_ms(spec, entry.last_fire_ms, now_ms)
        if due_ms is not None:
            job = job_of(entry, fire_raw(entry.key, due_ms))
            if self._engine.backend.tick(entry.queue, entry.key, entry.version, entry.last_fire_ms, due_ms, job):
                log.info("schedule fired", schedule=entry.key, task=spec.task, job=str(job.ref))
        next_ms = next_fire_ms(spec, max(now_ms, entry.last_fire_ms))
        return next_ms if next_ms is not None else now_ms + int(LONGEST_NAP_S * 1000)

    def _spec_of(self, declaration: ScheduleDeclaration) -> tuple[str, ScheduleSpec]:
        config = self._engine.config
        request = declaration.task.request_for(
            declaration.arguments, declaration.using, max_attempts=config.max_attempts, schedule=declaration.key
        )
        spec = ScheduleSpec(
            task=declaration.task.name,
            cron=declaration.when.cron,
            every_ms=declaration.when.every_ms,
            timezone=declaration.timezone or "UTC",
            arguments=unpack_data(request.arguments),
            priority=request.priority,
            max_attempts=request.max_attempts,
            options=pack_options(request.options()),
            unique_key=declaration.using.unique_key or "",
            unique=declaration.using.unique,
            unique_ms=declaration.using.unique_ms,
            gate=request.gate,
        )
        return request.queue, spec

    def _tell_broken(self, entry: StoredSchedule, error: Exception) -> None:
        if (entry.key, entry.version) not in self._broken:
            self._broken.add((entry.key, entry.version))
            log.error("schedule cannot be read, skipped", schedule=entry.key, error=str(error))
