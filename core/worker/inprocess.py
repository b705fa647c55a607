"""Workers inside an application's own process: one worker, its keeper and the services, all as threads.

The keeper shares the interpreter with the handlers here: one that holds the interpreter lock for a whole lease loses
it. `runworkers` gives the keeper a process of its own.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Final

import structlog

from ..errors import ConfigError
from .engine import Engine
from .keeper import Keeper
from .plan import entries_for
from .services import CORE_DUTIES, Duty, Services
from .shares import Served
from .signals import NoSignals
from .table import SlotTable
from .worker import Worker, WorkerOptions

TURN_S: Final = 0.1
JOIN_S: Final = 2.0

log = structlog.get_logger("jobs.worker")


class Runner:
    """Started once, stopped once."""

    def __init__(self, engine: Engine, *, served: Served, concurrency: int, duties: tuple[Duty, ...] = ()) -> None:
        table = SlotTable(regions=1, entries=entries_for(concurrency, engine.config.batch))
        region = table.regions[0]
        region.take()
        options = WorkerOptions(
            queues=served.names,
            shares=served.shares,
            concurrency=concurrency,
            label="in-process",
            can_exit=False,
        )
        self._region = region
        self._worker = Worker(engine, region, NoSignals(), options)
        self._keeper = Keeper(
            engine, [region], queues=served.names, slots=concurrency, label="in-process", can_kill=False
        )
        self._services = Services(engine, (*CORE_DUTIES, *duties))
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name="jobs-worker", daemon=True),
            threading.Thread(target=self._keep, name="jobs-keeper", daemon=True),
        ]

    def start(self) -> None:
        """Returns once the application's hooks have run. Raises ConfigError when one of them fails."""
        worker, keeper = self._threads
        worker.start()
        self._worker.has_begun.wait()
        if self._worker.refusal is not None:
            raise self._worker.refusal
        keeper.start()
        self._services.start()

    def stop(self, grace_s: float) -> None:
        """Stop schedules and claiming, give handlers this many seconds, settle, give back the rest."""
        worker, keeper = self._threads
        self._services.quiet()
        self._worker.stop(grace_s)
        worker.join(grace_s + 3 * JOIN_S)
        self._services.stop(JOIN_S)
        self._ended.set()
        keeper.join(JOIN_S)

    def _work(self) -> None:
        with suppress(ConfigError):  # it is raised where the worker was started
            self._worker.run()

    def _keep(self) -> None:
        while not self._ended.wait(TURN_S):
            try:
                self._keeper.turn(time.monotonic())
            except Exception:
                log.exception("the keeper failed and goes on")
        self._region.bury(self._worker.exit_code << 8)  # as the wait status of a process that ended so
        self._keeper.turn(time.monotonic())
        self._keeper.close()
