"""Who is at work: processes by their heartbeat."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.worker import WorkerInfo

from . import snapshot
from .outbox import OutboxState
from .snapshot import Snapshot


@dataclass(frozen=True)
class WorkerRow:
    id: str
    role: str
    name: str
    place: str
    queues: tuple[str, ...]
    running: tuple[str, ...]
    slots: int
    started_ms: int
    beat_ms: int
    memory_bytes: int
    version: str
    is_quiet: bool
    is_stale: bool

    @property
    def busy(self) -> int:
        return len(self.running)


@dataclass(frozen=True)
class WorkerList:
    live: tuple[WorkerRow, ...]
    services: tuple[WorkerRow, ...]
    stale: tuple[WorkerRow, ...]
    outbox: OutboxState

    @property
    def slots(self) -> int:
        return sum(row.slots for row in self.live)

    @property
    def busy(self) -> int:
        return sum(row.busy for row in self.live)


def worker_list() -> WorkerList:
    held = snapshot.current()
    rows = worker_rows(held)
    fresh = [row for row in rows if not row.is_stale]
    return WorkerList(
        live=tuple(row for row in fresh if row.role == "worker"),
        services=tuple(row for row in fresh if row.role != "worker"),
        stale=tuple(row for row in rows if row.is_stale),
        outbox=held.outbox,
    )


def worker_rows(held: Snapshot) -> tuple[WorkerRow, ...]:
    return tuple(_row(held, worker) for worker in held.workers)


def _row(held: Snapshot, worker: WorkerInfo) -> WorkerRow:
    return WorkerRow(
        id=worker.id,
        role=worker.role,
        name=worker.label or worker.id[:8],
        place=f"{worker.host}:{worker.pid}",
        queues=worker.queues,
        running=worker.running,
        slots=worker.slots,
        started_ms=worker.started_ms,
        beat_ms=worker.beat_ms,
        memory_bytes=worker.memory_bytes,
        version=worker.version,
        is_quiet=worker.quiet,
        is_stale=held.is_stale(worker),
    )
