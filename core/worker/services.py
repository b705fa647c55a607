"""Duties beside the workers: each in a thread of its own that is started again whatever happens in it."""

from __future__ import annotations

import functools
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog
from msgspec.structs import replace

from ..errors import StoreUnavailable
from ..model.clock import SystemClock
from ..model.worker import WorkerInfo
from .engine import Engine
from .janitor import Janitor
from .liveness import memory_of
from .patience import delays
from .scheduler import Scheduler

BEAT_EVERY_S: Final = 1.0
LONGEST_REST_S: Final = 5.0
HEALTHY_AFTER_S: Final = 10.0  # a duty that ran this long before it failed begins anew

log = structlog.get_logger("jobs.services")


class Duty(NamedTuple):
    """A loop that works until the event is set. It may raise: it is called again after a rest that grows.

    stops_first: it ends when the shutdown begins (it makes new work), the others once the workers are done.
    """

    name: str
    run: Callable[[Engine, threading.Event], None]
    stops_first: bool = False


def schedule_duty(engine: Engine, stop: threading.Event) -> None:
    Scheduler(engine).run(stop)


def janitor_duty(engine: Engine, stop: threading.Event) -> None:
    Janitor(engine).run(stop)


CORE_DUTIES: Final = (Duty("scheduler", schedule_duty, stops_first=True), Duty("janitor", janitor_duty))


class Services:
    """Runs duties on threads."""

    def __init__(self, engine: Engine, duties: Sequence[Duty], *, on_order: Callable[[], None] | None = None) -> None:
        self._engine = engine
        self._stops = {True: threading.Event(), False: threading.Event()}
        pulse = Duty("pulse", functools.partial(_pulse, duties, on_order))
        every = duties if on_order is None else (*duties, pulse)
        self._threads = [
            threading.Thread(target=self._keep_up, args=(duty,), name=f"jobs-{duty.name}", daemon=True)
            for duty in every
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def quiet(self) -> None:
        """Stop what makes new work."""
        self._stops[True].set()

    def stop(self, timeout_s: float) -> bool:
        """Stop all; whether every duty ended in time."""
        self.quiet()
        self._stops[False].set()
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _keep_up(self, duty: Duty) -> None:
        stop = self._stops[duty.stops_first]
        rests = delays(longest_s=LONGEST_REST_S)
        was_away = False
        while not stop.is_set():
            began = time.monotonic()
            error = _error_of(duty, self._engine, stop)
            if error is None or time.monotonic() - began >= HEALTHY_AFTER_S:
                was_away, rests = False, delays(longest_s=LONGEST_REST_S)
            if isinstance(error, StoreUnavailable):
                if not was_away:
                    log.warning("store unavailable, trying again", duty=duty.name, error=str(error))
                was_away = True
            elif error is not None:
                log.error("a duty failed and is started again", duty=duty.name, exc_info=error)
            if not stop.is_set():
                stop.wait(next(rests))


def _error_of(duty: Duty, engine: Engine, stop: threading.Event) -> Exception | None:
    """Run a duty to its end; answers what it raised."""
    try:
        duty.run(engine, stop)
    except Exception as error:  # noqa: BLE001 - told by the caller; no loop ends
        return error
    return None


def _pulse(duties: Sequence[Duty], on_order: Callable[[], None] | None, engine: Engine, stop: threading.Event) -> None:
    """Say that the services live, and hear whether they are to stop."""
    info = WorkerInfo(
        id=uuid.uuid4().hex,
        role="services",
        host=socket.gethostname(),
        pid=os.getpid(),
        tasks=tuple(duty.name for duty in duties),
        started_ms=SystemClock().now_ms(),
        version=engine.config.code_version,
    )
    try:
        while not stop.is_set():
            orders = engine.backend.beat(replace(info, memory_bytes=memory_of(info.pid)))
            if orders.stop and on_order is not None:
                on_order()
            stop.wait(BEAT_EVERY_S)
    finally:
        engine.backend.forget(info.id)
