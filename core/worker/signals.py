"""Signals as values: whoever waits here hears them, whatever the interpreter is doing when they arrive."""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import threading
from collections.abc import Iterable
from types import FrameType
from typing import Final, NamedTuple, Protocol

STOP: Final = frozenset({signal.SIGTERM, signal.SIGINT})
QUIET: Final = signal.SIGUSR1
STACKS: Final = signal.SIGUSR2
RETIRE: Final = signal.SIGHUP  # let what runs end, then leave the place to fresh code or a fresh process
CUT: Final = signal.SIGQUIT  # from the supervisor to its children: the grace period is over


class Heard(NamedTuple):
    """What arrived while waiting. orphaned: the parent process is gone."""

    signals: frozenset[int]
    orphaned: bool


NOTHING = Heard(frozenset(), orphaned=False)


class Ears(Protocol):
    """What a watching thread waits on."""

    def wait(self, timeout_s: float) -> Heard: ...

    def poke(self) -> None:
        """Have `wait` return now."""
        ...


class NoSignals:
    """For workers inside an application, whose signals are the application's own."""

    def __init__(self) -> None:
        self._poked = threading.Event()

    def wait(self, timeout_s: float) -> Heard:
        self._poked.wait(timeout_s)
        self._poked.clear()
        return NOTHING

    def poke(self) -> None:
        self._poked.set()


class SignalPipe:
    """Signals of this process through a pipe that the C level writes to, and the end of the parent's lifeline.

    Made on the main thread, waited on by any one thread. lifeline: the read end of a pipe whose other end only the
    parent holds, so that its end of file says that the parent is gone.
    """

    def __init__(self, signals: Iterable[int], *, lifeline: int | None = None) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._lifeline = lifeline
        self._inherited = lifeline
        for number in signals:
            self.add(number)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def add(self, number: int) -> None:
        """Hear one more signal."""
        signal.signal(number, _only_wake)

    @property
    def fds(self) -> list[int]:
        """What becomes readable when `wait` would answer."""
        return [self._read] if self._lifeline is None else [self._read, self._lifeline]

    def wait(self, timeout_s: float) -> Heard:
        watched = self.fds
        ready, _, _ = select.select(watched, [], [], max(0.0, timeout_s))
        orphaned = self._lifeline is not None and self._lifeline in ready
        if orphaned:
            self._lifeline = None  # said once
        numbers = os.read(self._read, 4096) if self._read in ready else b""
        return Heard(frozenset(number for number in numbers if number), orphaned)

    def close(self) -> None:
        """Let go of the pipe; the signals' handlers stay as they are."""
        signal.set_wakeup_fd(-1)
        os.close(self._read)
        os.close(self._write)

    def close_lifeline(self) -> None:
        """In a child of this process, which has another."""
        if self._inherited is not None:
            os.close(self._inherited)

    def poke(self) -> None:
        try:
            os.write(self._write, b"\0")
        except BlockingIOError:
            pass  # it is full, so the reader wakes anyway


def print_stacks_on_request() -> None:
    """SIGUSR2 prints what every thread is doing, also while the interpreter is held by a call into C."""
    if sys.stderr is not None:
        faulthandler.register(STACKS, all_threads=True, chain=False)


def _only_wake(number: int, frame: FrameType | None) -> None:
    """The wake-up pipe has said it already."""
