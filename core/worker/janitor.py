"""The janitor: rescues jobs of dead hosts, relays follow-ups, releases held jobs, trims finished ones."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Final

import structlog

from ..backends.contract import Backend, Cursor, PageQuery, QueueCounts
from ..model.clock import as_ms
from ..model.job import StoredJob
from ..model.retention import Retention
from ..model.states import State, Verb
from ..model.worker import WorkerInfo
from .aftermath import Aftermath
from .engine import Engine
from .settlement import UNKNOWN_TASK, unknown_reason

PASSES_PER_LEASE: Final = 4
RESCUED_AT_ONCE: Final = 100
RESCUE_ROUNDS: Final = 50
RELAY_EVERY_S: Final = 0.5
RELAYED_AT_ONCE: Final = 500
HELD_EVERY_S: Final = 3.0
HELD_PAGES: Final = 20
HELD_A_PAGE: Final = 100
TRIM_EVERY_S: Final = 15.0
TRIMMED_AT_ONCE: Final = 500
TRIM_ROUNDS: Final = 40
FORGET_EVERY_S: Final = 60.0
FRESH_MS: Final = 15_000  # a worker that beat within this counts as alive
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
        self._held_after: dict[str, Cursor] = {}  # how far into the held jobs of a queue the last round came
        rescue_every = engine.config.lease.total_seconds() / PASSES_PER_LEASE
        self._rounds: list[tuple[float, Callable[[], None]]] = [
            (rescue_every, self.rescue),
            (RELAY_EVERY_S, self.relay),
            (HELD_EVERY_S, self.release_held),
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

    def release_held(self) -> None:
        """Let jobs run whose task no worker knew, once a living worker does."""
        waiting = [count.queue for count in self._queues if count.states.get(State.HELD, 0)]
        if not waiting:
            return
        now_ms = self._backend.now_ms()
        alive = [info for info in self._backend.workers() if info.role == "worker" and _is_alive(info, now_ms)]
        for queue in waiting:
            known = {task for info in alive if not info.queues or queue in info.queues for task in info.tasks}
            if known:
                self._release(queue, known)

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

    def _release(self, queue: str, known: set[str]) -> None:
        """Look at so many of a queue's held jobs; the next round goes on behind them, and at the end begins again."""
        for _ in range(HELD_PAGES):
            after = self._held_after.pop(queue, None)
            page = self._backend.page(PageQuery(state=State.HELD, queues=(queue,), limit=HELD_A_PAGE, after=after))
            raws = [job.ref.raw for job in page.jobs if _waits_for(job, known)]
            if raws:
                reason = "a worker that knows its task is there"
                self._backend.act(Verb.RETRY, queue, raws, uuid.uuid4().hex, reason)
                log.info("held jobs released", queue=queue, jobs=len(raws))
            if page.next is None:
                return
            self._held_after[queue] = page.next


def _waits_for(job: StoredJob, known: set[str]) -> bool:
    return job.reason.startswith(UNKNOWN_TASK) and job.reason == unknown_reason(job.task) and job.task in known


def _is_alive(info: WorkerInfo, now_ms: int) -> bool:
    return info.beat_ms >= now_ms - FRESH_MS and not info.quiet
