"""The janitor: rescues jobs of dead hosts, relays follow-ups, trims finished ones."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Final

import structlog

from ..backends.contract import Backend, QueueCounts
from ..model.clock import as_ms
from ..model.retention import Retention
from .aftermath import Aftermath
from .engine import Engine

PASSES_PER_LEASE: Final = 4
RESCUED_AT_ONCE: Final = 100
RESCUE_ROUNDS: Final = 50
RELAY_EVERY_S: Final = 0.5
RELAYED_AT_ONCE: Final = 500
TRIM_EVERY_S: Final = 15.0
TRIMMED_AT_ONCE: Final = 500
TRIM_ROUNDS: Final = 40
FORGET_EVERY_S: Final = 60.0
STALE_MS: Final = 600_000

log = structlog.get_logger("jobs.janitor")


class Janitor:
    """Each duty comes round at its own interval; all of them may be done by several janitors at once."""

    def __init__(self, engine: Engine, *, retention: Retention | None = None) -> None:
        self._backend: Backend = engine.backend
        self._lease_ms = as_ms(engine.config.lease)
        self._retention = retention or Retention()
        self._aftermath = Aftermath(engine, name=uuid.uuid4().hex)
        self._queues: list[QueueCounts] = []
        rescue_every = engine.config.lease.total_seconds() / PASSES_PER_LEASE
        self._rounds: list[tuple[float, Callable[[], None]]] = [
            (rescue_every, self.rescue),
            (RELAY_EVERY_S, self.relay),
            (TRIM_EVERY_S, self.trim),
            (FORGET_EVERY_S, self.forget_stale),
        ]

    def run(self, stop: threading.Event) -> None:
        """Make the rounds until told to stop. Raises StoreUnavailable: it is started again."""
        due = [0.0] * len(self._rounds)
        try:
            while not stop.is_set():
                self._make_rounds(due, time.monotonic())
                stop.wait(max(0.0, min(due) - time.monotonic()))
        finally:
            self._aftermath.close()

    def _make_rounds(self, due: list[float], now: float) -> None:
        self._queues = self._backend.counts()
        for number, (every, duty) in enumerate(self._rounds):
            if due[number] <= now:
                duty()
                due[number] = now + every

    def rescue(self) -> None:
        """Take back the jobs whose lease ran out, in every queue."""
        jumped = [queue for queue in self._names() if self._rescue(queue)]
        if jumped:  # in every queue at once, as a rule: one line for all
            log.info("leases set anew: nobody had looked for a while, or the store's clock jumped", queues=jumped)

    def _rescue(self, queue: str) -> bool:
        """Whether the store's clock had moved on too far since the last pass to take anything back in this one."""
        for _ in range(RESCUE_ROUNDS):
            found = self._backend.rescue(queue, RESCUED_AT_ONCE, self._lease_ms)
            if found.claims:
                self._aftermath.settle_lost(queue, found.claims, found.workers)
            if found.jumped or len(found.claims) < RESCUED_AT_ONCE:
                return found.jumped
        return False

    def relay(self) -> None:
        """Move follow-ups to the queues they are for."""
        for queue in self._names():
            while self._backend.relay(queue, RELAYED_AT_ONCE) >= RELAYED_AT_ONCE:
                pass

    def trim(self) -> None:
        """Delete what retention no longer keeps, in bounded rounds."""
        for queue in self._names():
            for _ in range(TRIM_ROUNDS):
                if self._backend.trim(queue, self._retention, TRIMMED_AT_ONCE) < TRIMMED_AT_ONCE:
                    break

    def forget_stale(self) -> None:
        """Strike workers from the register that have been silent for long."""
        now_ms = self._backend.now_ms()
        for info in self._backend.workers():
            if info.beat_ms < now_ms - STALE_MS:
                self._backend.forget(info.id)

    def _names(self) -> list[str]:
        return [count.queue for count in self._queues]
