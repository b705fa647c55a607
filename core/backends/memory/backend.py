"""The backend in memory: one lock around plain queues."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ...model.clock import Clock, SystemClock
from ...model.gate import GateInfo
from ...model.ident import JobRef
from ...model.job import NewJob, Receipt, StoredJob
from ...model.retention import Retention
from ...model.schedule import StoredSchedule
from ...model.states import State, Verb
from ...model.worker import WorkerInfo, WorkerOrders
from ..contract import (
    Acted,
    Exchange,
    ExchangeReply,
    Features,
    JournalEntry,
    Note,
    Page,
    PageQuery,
    QueueCounts,
    Rescue,
    Sweep,
    Swept,
)
from . import control, leases, schedules
from .exchange import exchange
from .page import page_of
from .queue import MemoryQueue
from .retention import trim

_HOUR_MS = 3_600_000


class MemoryBackend:
    """Jobs in this process only; gone with it."""

    features = Features(name="memory", durable=False, shared=False)
    url = "memory://"

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._arrived = threading.Condition(self._lock)
        self._arrivals = 0
        self._queues: dict[str, MemoryQueue] = {}
        self._workers: dict[str, WorkerInfo] = {}
        self._orders: dict[str, WorkerOrders] = {}
        self.store_id = uuid.uuid4().hex

    def open(self) -> None:
        """Nothing to connect to."""

    def ping(self) -> None:
        """Memory always answers."""

    def close(self) -> None:
        self._announce()

    def now_ms(self) -> int:
        return self._clock.now_ms()

    # Intake

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        with self._lock:
            now = self.now_ms()
            receipts = [self._queue(job.queue).add(job, now) for job in jobs]
            self._announce()
            return receipts

    def relay(self, queue: str, limit: int) -> int:
        return 0  # follow-ups reach every queue in the step that settles

    # Work

    def exchange(self, call: Exchange) -> ExchangeReply:
        with self._lock:
            return exchange(self._queue(call.queue), call, self.now_ms(), self._follow)

    def note(self, queue: str, notes: Sequence[Note]) -> list[bytes]:
        with self._lock:
            return leases.note(self._queue(queue), notes)

    def renew(self, queue: str, claims: Sequence[tuple[bytes, int]], lease_ms: int) -> list[bytes]:
        with self._lock:
            return leases.renew(self._queue(queue), claims, self.now_ms() + lease_ms)

    def release(self, queue: str, claims: Sequence[tuple[bytes, int]]) -> int:
        with self._lock:
            released = leases.release(self._queue(queue), claims, self.now_ms())
            self._announce()
            return released

    def rescue(self, queue: str, limit: int, lease_ms: int) -> Rescue:
        with self._lock:
            return leases.rescue(self._queue(queue), limit, lease_ms, self.now_ms())

    def trim(self, queue: str, retention: Retention, limit: int) -> int:
        with self._lock:
            now = self.now_ms()
            gone = [id for id, info in self._workers.items() if info.beat_ms < now - _HOUR_MS]
            for worker in gone:
                self.forget(worker)
            return trim(self._queue(queue), retention, limit, now)

    def wait(self, queues: Sequence[str], timeout_s: float) -> None:
        with self._arrived:
            if not any(self._is_ready(name) for name in queues):
                seen = self._arrivals
                self._arrived.wait_for(lambda: self._arrivals != seen, timeout_s)

    # Control

    def act(self, verb: Verb, queue: str, raws: Sequence[bytes], operation: str, reason: str = "") -> list[Acted]:
        with self._lock:
            now = self.now_ms()
            acted = [control.act(self._queue(queue), verb, raw, operation, reason, now) for raw in raws]
            self._announce()
            return acted

    def sweep(self, sweep: Sweep) -> Swept:
        with self._lock:
            swept = control.sweep(self._queue(sweep.queue), sweep, self.now_ms())
            self._announce()
            return swept

    def pause(self, queue: str, reason: str) -> None:
        with self._lock:
            line = self._queue(queue)
            line.is_known = True
            line.paused = (reason, line.paused[1] if line.paused else self.now_ms())

    def resume(self, queue: str) -> None:
        with self._lock:
            self._queue(queue).paused = None
            self._announce()

    def purge(self, queue: str, state: State, before_ms: int, limit: int) -> int:
        with self._lock:
            if state is State.RUNNING:
                return 0
            line = self._queue(queue)
            gone = control.purge(line, state, before_ms, limit)
            line.refill(self.now_ms())
            return gone

    def adopt(self, queue: str, jobs: Sequence[StoredJob]) -> list[bool]:
        with self._lock:
            now, line = self.now_ms(), self._queue(queue)
            control.assert_resting(jobs)
            adopted = [line.adopt(job, now) for job in jobs]
            self._announce()
            return adopted

    def withdraw(self, queue: str, jobs: Sequence[tuple[bytes, State, int]]) -> int:
        with self._lock:
            line = self._queue(queue)
            gone = control.withdraw(line, jobs)
            line.refill(self.now_ms())
            return gone

    def order(self, worker: str, orders: WorkerOrders) -> bool:
        with self._lock:
            known = worker in self._workers
            if known:
                self._orders[worker] = orders
            return known

    # Workers

    def beat(self, worker: WorkerInfo) -> WorkerOrders:
        with self._lock:
            self._workers[worker.id] = replace(worker, beat_ms=self.now_ms())
            return self._orders.get(worker.id, WorkerOrders())

    def forget(self, worker: str) -> None:
        with self._lock:
            self._workers.pop(worker, None)
            self._orders.pop(worker, None)
            for queue in self._queues.values():
                queue.replies.pop(worker, None)

    def workers(self) -> list[WorkerInfo]:
        with self._lock:
            fresh = [info for info in self._workers.values() if info.beat_ms > self.now_ms() - _HOUR_MS]
            return sorted(fresh, key=lambda info: (info.started_ms, info.id))

    # Schedules

    def put_schedule(self, queue: str, key: str, spec: bytes, *, enabled: bool) -> StoredSchedule:
        with self._lock:
            return schedules.put(self._queue(queue), key, spec, self.now_ms(), enabled=enabled)

    def switch_schedule(self, queue: str, key: str, *, enabled: bool) -> StoredSchedule | None:
        with self._lock:
            return schedules.switch(self._queue(queue), key, self.now_ms(), enabled=enabled)

    def adopt_schedule(self, schedule: StoredSchedule) -> bool:
        with self._lock:
            line = self._queue(schedule.queue)
            is_new = schedule.key not in line.schedules
            if is_new:
                schedules.store(line, schedule)
            return is_new

    def remove_schedule(self, queue: str, key: str) -> bool:
        with self._lock:
            return self._queue(queue).schedules.pop(key, None) is not None

    def tick(self, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
        with self._lock:
            fired = schedules.fire(self._queue(queue), key, version, last_fire_ms, fire_ms, job.raw)
            if fired:
                self.enqueue([job])
            return fired

    def schedules(self) -> list[StoredSchedule]:
        with self._lock:
            held = [entry for queue in self._queues.values() for entry in queue.schedules.values()]
            return sorted(held, key=lambda entry: entry.key)

    # Readers

    def counts(self) -> list[QueueCounts]:
        with self._lock:
            return [self._queues[name].counts() for name in sorted(self._queues) if self._queues[name].is_known]

    def get(self, refs: Sequence[JobRef]) -> list[StoredJob | None]:
        with self._lock:
            found = [self._peek(ref.queue).records.get(ref.raw) for ref in refs]
            return [None if record is None else record.as_stored(whole=True) for record in found]

    def page(self, query: PageQuery) -> Page:
        with self._lock:
            names = query.queues or tuple(self._queues)
            return page_of([self._peek(name) for name in names], query)

    def ahead(self, ref: JobRef, limit: int) -> int | None:
        with self._lock:
            return self._peek(ref.queue).ahead(ref.raw, limit)

    def gate(self, queue: str, name: str) -> GateInfo | None:
        with self._lock:
            return self._peek(queue).gates.info(name, self.now_ms())

    def journal(self, queue: str, stream: str, after: str, limit: int) -> list[JournalEntry]:
        with self._lock:
            return self._peek(queue).journals[stream].read(after, limit)

    def minutes(self, queue: str, since: int) -> dict[int, dict[str, int]]:
        with self._lock:
            kept = self._peek(queue).minutes
            return {minute: dict(kept[minute]) for minute in sorted(kept) if minute >= since}

    # Inside

    def _queue(self, name: str) -> MemoryQueue:
        if name not in self._queues:
            self._queues[name] = MemoryQueue(name)
        return self._queues[name]

    def _peek(self, name: str) -> MemoryQueue:
        """A queue for reading: looking at one does not make it."""
        return self._queues.get(name) or MemoryQueue(name)

    def _follow(self, jobs: Iterable[NewJob], now: int) -> None:
        for job in jobs:
            self._queue(job.queue).add(job, now)
        self._announce()

    def _announce(self) -> None:
        with self._arrived:
            self._arrivals += 1
            self._arrived.notify_all()

    def _is_ready(self, name: str) -> bool:
        queue = self._peek(name)
        return not queue.paused and len(queue.lines[State.PENDING]) > 0


def open_url(url: str, *, clock: Clock | None = None) -> MemoryBackend:
    """A new store in memory; the URL carries nothing."""
    return MemoryBackend(clock=clock)
