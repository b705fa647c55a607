"""An isolated child, from just after the zygote's fork to its end: one attempt, then nothing.

It does not settle: it answers its worker, which holds the claim. The handler runs on the main thread, where a signal
can interrupt it.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

import structlog

from ..errors import ConfigError
from ..model.job import unpack_options
from ..model.outcome import detail_of
from . import exits, signals, wire
from .attempt import Attempt, Finished
from .courier import Courier
from .engine import Engine
from .executor import Executor
from .hooks import Hooks
from .interrupts import Interrupt
from .liveness import show_name
from .settlement import Settlement
from .storetime import StoreTime

_PR_SET_PDEATHSIG: Final = 1
_NOT_OURS: Final = (signal.SIGINT, signals.QUIET, signals.CUT)
_STATM: Final = Path("/proc/self/statm")
_libc: Final = ctypes.CDLL(None) if sys.platform == "linux" else None

log = structlog.get_logger("jobs.isolated")


def run_isolated(
    let_go: Callable[[], None],
    make_engine: Callable[[], Engine],
    line: socket.socket,
    *,
    parent: int,
    blocked: Sequence[int],
) -> NoReturn:
    """Run what comes down the line. let_go: of what is the parent's. blocked: signals that it held back meanwhile."""
    code = exits.FAILED
    try:
        let_go()
        os.setsid()
        _die_with(parent)
        show_name("jobs-isolated")
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        order = wire.receive(line)
        if isinstance(order, wire.Order):
            _carry_out(order, make_engine(), line, blocked)
        code = exits.OK
    except BaseException:
        log.exception("isolated process failed", pid=os.getpid())
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class MainSeat:
    """The main thread, where a signal's handler interrupts by raising, also out of a sleep or a read."""

    def __init__(self) -> None:
        self._current: Attempt | None = None

    def run(self, attempt: Attempt, handler: Callable[[], Any]) -> Any:
        try:
            self._current = attempt
            if attempt.interrupt is not None:
                raise attempt.interrupt
            return handler()
        finally:
            self._current = None

    def interrupt(self, attempt: Attempt, kind: type[Interrupt]) -> bool:
        """Called from the signal's handler. Once is enough: the next step is the kill."""
        if self._current is not attempt:
            return False
        self._current = None
        raise kind


def _carry_out(order: wire.Order, engine: Engine, line: socket.socket, blocked: Sequence[int]) -> None:
    claim, store_time = order.claim, StoreTime()
    store_time.heard(order.now_ms)
    task = engine.registry.get(claim.task)
    assert task is not None, f"{claim.task} is not known here"
    attempt = Attempt(claim, task, unpack_options(claim.options), _no_slot)
    attempt.started, attempt.started_ms, attempt.deadline = order.started, order.started_ms, order.deadline
    _listen(attempt, line, blocked)
    _limit(order)
    courier = Courier(lambda page: wire.send(line, wire.Noted(*page)))
    settlement = Settlement(engine.config, store_time, worker=order.worker)
    executor = Executor(engine, settlement, on_start=_say_nothing, on_note=courier.announce)
    loop = asyncio.new_event_loop()
    hooks = Hooks(engine.registry, loop)
    finished = _run(attempt, executor, hooks, loop)
    for number in (signal.SIGTERM, *_NOT_OURS):
        signal.signal(number, signal.SIG_IGN)  # nothing must come between the end of the handler and its answer
    courier.close()
    wire.send(line, _answer(finished))
    hooks.stop()  # what it does, or fails to, changes the answer no more


def _run(attempt: Attempt, executor: Executor, hooks: Hooks, loop: asyncio.AbstractEventLoop) -> Finished:
    """As in a worker process: what the application does at its start is done here too, and at its end afterwards."""
    try:
        hooks.start()
    except ConfigError as error:
        return executor.failed(attempt, error)
    if attempt.task.is_async:
        return loop.run_until_complete(executor.run_on_loop(attempt))
    return executor.run_in_thread(attempt, MainSeat())


def _listen(attempt: Attempt, line: socket.socket, blocked: Sequence[int]) -> None:
    """From here on the worker reaches the handler: a reason on the line, then SIGTERM."""

    def stop(number: int, frame: FrameType | None) -> None:
        try:
            reasons = line.recv(64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return  # sent to every process of the service: this one has its worker's grace period
        for kind in (wire.KINDS[letter] for letter in reasons if letter in wire.KINDS):
            attempt.ask_to_stop(kind, time.monotonic())

    signal.signal(signal.SIGTERM, stop)
    for number in _NOT_OURS:
        signal.signal(number, _pass_over)  # not SIG_IGN, which programs that the handler starts would inherit
    signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)


def _limit(order: wire.Order) -> None:
    """What the system itself enforces: address space beyond what was there at birth, and CPU time."""
    if order.memory_bytes and _STATM.exists():
        born_with = int(_STATM.read_bytes().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, born_with + order.memory_bytes)
    if order.cpu_s:
        _lower(resource.RLIMIT_CPU, order.cpu_s)


def _lower(which: int, to: int) -> None:
    soft, hard = resource.getrlimit(which)
    bounds = [bound for bound in (to, soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(which, (min(bounds), hard))


def _die_with(parent: int) -> None:
    """Have the system kill this process when its parent ends, however it ends (Linux; elsewhere the zygote does)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that was said
            os._exit(exits.FAILED)


def _answer(finished: Finished) -> wire.Answer:
    error = None if finished.error is None else detail_of(finished.error)
    return wire.Answer(finished.outcome, finished.name, finished.run_s, error)


def _pass_over(number: int, frame: FrameType | None) -> None:
    """It is for others."""


def _no_slot() -> int:
    """The slot is the worker's."""
    return 0


def _say_nothing(attempt: Attempt) -> None:
    """The worker has told of the start."""
