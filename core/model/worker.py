"""What a worker says of itself with every beat, and what it is told back."""

from __future__ import annotations

import msgspec


class WorkerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One process that claims jobs (role `worker`) or runs duties (role `services`).

    id: a random UUID per start, 32 hex digits. label: what `--name` gave. running: public ids of the jobs it runs now.
    beat_ms: the store's time of its last beat (set by the store).
    """

    id: str
    role: str = "worker"
    label: str = ""
    host: str = ""
    pid: int = 0
    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    slots: int = 0
    running: tuple[str, ...] = ()
    started_ms: int = 0
    memory_bytes: int = 0
    version: str = ""
    quiet: bool = False
    beat_ms: int = 0


class WorkerOrders(msgspec.Struct, frozen=True):
    """What an operator wants of a worker: to claim nothing more (quiet), or to stop as if by SIGTERM (stop)."""

    quiet: bool = False
    stop: bool = False
