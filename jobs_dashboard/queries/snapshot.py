"""What every open tab asks for, read once a second per process: counts, workers, schedules, minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from core.model.minutes import minute_of
from core.model.schedule import StoredSchedule
from core.model.states import State
from core.model.worker import WorkerInfo

from .outbox import NOTHING, OutboxState, outbox_state
from .store import Counted, readers

FRESH_S = 1.0
CHART_MINUTES = 60
STALE_MS = 15_000  # a worker beats every second; after this it is most likely gone

Minutes = Mapping[int, Mapping[str, int]]


@dataclass(frozen=True)
class Snapshot:
    """The store at one moment; times are the store's own."""

    at_ms: int
    queues: tuple[Counted, ...]
    workers: tuple[WorkerInfo, ...]
    schedules: tuple[StoredSchedule, ...]
    minutes: Mapping[str, Minutes]
    outbox: OutboxState = NOTHING

    def total(self, state: State) -> int:
        return sum(queue.states.get(state, 0) for queue in self.queues)

    def queue(self, name: str) -> Counted | None:
        return next((queue for queue in self.queues if queue.queue == name), None)

    @property
    def live_workers(self) -> list[WorkerInfo]:
        """Those that claim jobs and beat lately."""
        return [worker for worker in self.workers if worker.role == "worker" and not self.is_stale(worker)]

    def is_stale(self, worker: WorkerInfo) -> bool:
        return self.at_ms - worker.beat_ms > STALE_MS


class _Cache:
    """The newest snapshot of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: Snapshot | None = None
        self._read_at = 0.0

    def get(self) -> Snapshot:
        with self._lock:
            if self._kept is None or time.monotonic() - self._read_at > FRESH_S:
                self._kept = _read()
                self._read_at = time.monotonic()
            return self._kept

    def last(self) -> Snapshot | None:
        return self._kept

    def forget(self) -> None:
        self._read_at = 0.0


_cache = _Cache()
current = _cache.get
last_known = _cache.last
forget = _cache.forget


def _read() -> Snapshot:
    store = readers()
    at_ms = store.now_ms()
    since = minute_of(at_ms) - CHART_MINUTES + 1
    queues = tuple(store.counts())
    return Snapshot(
        at_ms=at_ms,
        queues=queues,
        workers=tuple(store.workers()),
        schedules=tuple(store.schedules()),
        minutes={queue.queue: store.minutes(queue.queue, since) for queue in queues},
        outbox=outbox_state(timezone.now()),
    )


def serves(worker: WorkerInfo, queue: str) -> bool:
    """Whether a worker takes from a queue; one that names none takes from all, a quiet one from none."""
    return not worker.quiet and (not worker.queues or queue in worker.queues)
