"""A worker: the threads and the event loop that run jobs of one process, and how they start and end together."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from ..errors import ConfigError
from ..model.clock import SystemClock
from ..model.partition import Partitions
from . import exits, signals
from .attempt import Finished
from .deadline import Deadlines
from .engine import Engine
from .exchanger import Exchanger
from .executor import Executor
from .hatch import Hatch
from .hooks import Hooks
from .isolation import Isolation
from .lanes import LoopLane, ThreadLane
from .lifespan import Lifespan
from .liveness import memory_of, pulse_of
from .report import Report
from .rota import REST_S, Rota
from .settlement import Settlement
from .shares import Shares
from .slots import Slots
from .storetime import StoreTime
from .table import Identity, Orders, Region

LAST_WORDS_S: Final = 2.0  # after an interrupt, for `finally` blocks and the last settles

log = structlog.get_logger("jobs.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """queues: in order of preference; none means every queue there is. label: for people; identity is made anew."""

    queues: tuple[str, ...] = ()
    shares: Shares = field(default_factory=Shares)
    concurrency: int = 4
    label: str = ""
    burst: bool = False
    lifespan: Lifespan = field(default_factory=Lifespan)
    can_exit: bool = True  # whether the process may be ended for a handler that does not stop


class Worker:
    """`run` returns when the worker has ended; the other methods may be called from any thread."""

    def __init__(
        self,
        engine: Engine,
        region: Region,
        ears: signals.Ears,
        options: WorkerOptions,
        *,
        hatch: Hatch | None = None,
    ) -> None:
        config = engine.config
        self.id = uuid.uuid4().hex
        self._options = options
        self._region = region
        self._ears = ears
        self._grace_s = config.grace.total_seconds()
        self._time = StoreTime()
        self._report = Report(config, engine.registry, self._time)
        self._slots = Slots(
            region,
            limit=options.concurrency,
            store_time=self._time,
            default_timeout_s=config.timeout.total_seconds(),
            lease_s=config.lease.total_seconds(),
        )
        self._exchanger = self._make_exchanger(engine, can_isolate=hatch is not None)
        place = f"{socket.gethostname()}:{os.getpid()}"
        settlement = Settlement(config, self._time, worker=f"{options.label}@{place}" if options.label else place)
        announce = self._exchanger.notes.announce
        executor = Executor(engine, settlement, on_start=self._report.started, on_note=announce)
        self._loop = asyncio.new_event_loop()
        isolation = None
        if hatch is not None:
            isolation = Isolation(hatch, settlement, self._time, on_start=self._report.started, on_note=announce)
        self._threads = ThreadLane(self._slots, executor, isolation)
        self._slots.on_thread_work = self._threads.grow
        self._slots.on_loop_work = LoopLane(self._slots, executor, self._loop).notice
        self._hooks = Hooks(engine.registry, self._loop)
        self.refusal: ConfigError | None = None  # why it did not start
        self.has_begun = threading.Event()  # it works, or refuses to
        self._deadlines = Deadlines(self._slots)
        self._is_quiet = False
        self._lifespan = options.lifespan.shortened(random.random())  # noqa: S311 - jitter
        self._born = time.monotonic()
        self._is_retiring = False
        self._stop_by = 0.0  # when the grace period ends; 0 while nobody asked to stop
        self._interrupted = 0.0  # when the handlers were interrupted, at the end of it
        self._has_ended = threading.Event()
        self.exit_code = exits.OK

    def run(self) -> int:
        """Work until told to stop; answers the exit code. The calling thread runs the event loop.

        Raises ConfigError when the application cannot start.
        """
        self._begin()
        self._announce()
        store = threading.Thread(target=self._exchange, name="jobs-store", daemon=True)
        watch = threading.Thread(target=self._watch, name="jobs-watch", daemon=True)
        store.start()
        watch.start()
        self._run_loop(store)
        self._has_ended.set()
        self._ears.poke()
        watch.join(LAST_WORDS_S)
        self._slots.close()
        self._report.close(LAST_WORDS_S)
        self._hooks.stop()
        if self._slots.is_empty:
            self._threads.join(LAST_WORDS_S)
            self._loop.close()
        if self._is_retiring and not self._stop_by and self.exit_code == exits.OK:
            self.exit_code = exits.REPLACED
        log.info("worker stopped", worker=self.id, pid=os.getpid(), lost=self._exchanger.lost)
        return self.exit_code

    def _begin(self) -> None:
        try:
            self._hooks.start()
        except ConfigError as error:
            self.refusal = error
            raise
        finally:
            self.has_begun.set()

    def _run_loop(self, store: threading.Thread) -> None:
        """Until the store thread ends it; a task that a handler left behind cannot end it by raising SystemExit."""
        while True:
            try:
                self._loop.run_forever()
                return
            except (SystemExit, KeyboardInterrupt):
                log.warning("something on the event loop asked to exit; the worker goes on", worker=self.id)
                if not store.is_alive():
                    return

    def quiet(self) -> None:
        """Claim nothing more; what runs goes on."""
        if not self._is_quiet:
            self._is_quiet = True
            self._exchanger.claims = False
            self._exchanger.ring()
            self._announce()
            log.info("worker is quiet", worker=self.id, pid=os.getpid())

    def retire(self) -> None:
        """Claim nothing more, let what runs end, however long it takes, and leave the place to a fresh process."""
        if not self._is_retiring:
            self._is_retiring = True
            self._exchanger.claims = False
            self._exchanger.is_finishing = True
            self._exchanger.ring()

    def stop(self, grace_s: float | None = None) -> None:
        """Claim nothing more, give the handlers the grace period, settle, and end."""
        if not self._stop_by:
            self._stop_by = time.monotonic() + (self._grace_s if grace_s is None else grace_s)
            self._exchanger.claims = False
            self._exchanger.is_finishing = True
            self._exchanger.ring()
            self._ears.poke()

    def cut(self) -> None:
        """Stop, and let the grace period end now."""
        self.stop()
        self._stop_by = time.monotonic()
        self._ears.poke()

    @property
    def running(self) -> int:
        """Handlers that run now."""
        return self._slots.busy

    # -- the store thread

    def _make_exchanger(self, engine: Engine, *, can_isolate: bool) -> Exchanger:
        queues = Partitions(engine.config.partitions).of_all(self._options.queues)
        known = queues or ("default", *(task.queue for task in engine.registry.tasks()))
        rest_s = REST_S if engine.backend.features.wakes else engine.config.poll_interval.total_seconds()
        exchanger = Exchanger(
            engine,
            self._slots,
            Rota(known, is_ordered=bool(queues), rest_s=rest_s, weights=self._options.shares.weights),
            self._time,
            worker=self.id,
            finds_queues=not queues,
            can_isolate=can_isolate,
            most=self._options.shares.most,
            on_settled=self._settled,
        )
        if self._options.burst:
            exchanger.on_drained = self.stop
        return exchanger

    def _exchange(self) -> None:
        try:
            self._exchanger.run()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _settled(self, accepted: Sequence[Finished]) -> None:
        self._report.settled(accepted)
        if self._lifespan.jobs:
            self._grow_old(time.monotonic())

    # -- the watching thread

    def _watch(self) -> None:
        now = time.monotonic()
        while not self._has_ended.is_set():
            try:
                heard = self._ears.wait(self._deadlines.look(now) - now)
                now = time.monotonic()
                self._heed(heard)
                self._proceed(now)
            except Exception:
                log.exception("the watching thread failed and goes on")
                time.sleep(LAST_WORDS_S)

    def _heed(self, heard: signals.Heard) -> None:
        orders = self._region.orders
        if heard.signals & signals.STOP or heard.orphaned or orders & Orders.STOP:
            self.stop()
        if signals.QUIET in heard.signals or orders & Orders.QUIET:
            self.quiet()
        if signals.RETIRE in heard.signals:
            self.retire()
        if signals.CUT in heard.signals:
            self.cut()

    def _proceed(self, now: float) -> None:
        """Take the next step of an end that is under way."""
        if self._options.can_exit and self._deadlines.must_recycle(now) and not self._exchanger.unsent:
            self._end(exits.RECYCLED)
        self._grow_old(now)
        if not self._stop_by or now < self._stop_by:
            return
        if not self._interrupted:
            self._interrupted = now
            self._deadlines.interrupt_all(now)
        elif now - self._interrupted > LAST_WORDS_S and (
            not self._exchanger.unsent or now - self._interrupted > 2 * LAST_WORDS_S
        ):
            self._end(exits.CUT_SHORT)

    def _grow_old(self, now: float) -> None:
        if self._is_retiring or self._stop_by:
            return
        memory = memory_of(os.getpid()) if self._lifespan.memory else 0
        why = self._lifespan.is_over(jobs=self._slots.starts, memory=memory, age_s=now - self._born)
        if why:
            log.info("worker is to be replaced", worker=self.id, pid=os.getpid(), why=why)
            self.retire()

    def _end(self, code: int) -> None:
        """End with handlers still running: only the end of the process stops them."""
        self.exit_code = code
        self._region.say_farewell()
        self._exchanger.abandon()

    def _announce(self) -> None:
        birth = pulse_of(os.getpid()).birth
        self._region.announce(Identity(os.getpid(), birth, self.id, SystemClock().now_ms(), self._is_quiet))
