"""Where handlers run: a thread, or a task of the event loop; and how each is interrupted there and nowhere else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Protocol

from .attempt import Attempt
from .interrupts import Interrupt, raise_in_thread, withdraw_from_thread


class HandlerSeat(Protocol):
    """Where a `def` handler runs."""

    def run(self, attempt: Attempt, handler: Callable[[], Any]) -> Any:
        """Run a handler to its end, or until it is interrupted (which raises the Interrupt)."""
        ...

    def interrupt(self, attempt: Attempt, kind: type[Interrupt]) -> bool: ...


class ThreadSeat:
    """A thread that runs one handler at a time. An interrupt can only land between the start and end of `run`.

    Whoever interrupts holds the lock while it checks that the attempt still runs and asks for the exception; whoever
    leaves takes the lock to say so and withdraws what has not been raised. A handler is struck once for one reason, so
    while one is being dealt with no other arrives.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ident = 0
        self._current: Attempt | None = None
        self._was_struck = False

    def sit(self) -> None:
        """Called by the thread itself, first."""
        self._ident = threading.get_ident()

    def run(self, attempt: Attempt, handler: Callable[[], Any]) -> Any:
        """Run a handler to its end, or until it is interrupted (which raises the Interrupt)."""
        try:
            with self._lock:
                if attempt.interrupt is not None:
                    raise attempt.interrupt
                self._current = attempt
            return handler()
        finally:
            try:
                self._leave()
            except Interrupt:  # it landed after the handler's last step
                self._leave()

    def interrupt(self, attempt: Attempt, kind: type[Interrupt]) -> bool:
        with self._lock:
            if self._current is not attempt:
                return False
            self._was_struck = True
            raise_in_thread(self._ident, kind)
            return True

    def _leave(self) -> None:
        with self._lock:
            self._current = None
        if self._was_struck:
            withdraw_from_thread(self._ident)
            self._was_struck = False


class LoopSeat:
    """A task of the event loop that runs one handler."""

    def __init__(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
        self._loop = loop
        self._task = task

    def interrupt(self, attempt: Attempt, kind: type[Interrupt]) -> bool:
        """Cancel the task. One that is at its end ignores it, as there is nothing left that it awaits."""
        if self._loop.is_closed():
            return False
        self._loop.call_soon_threadsafe(self._task.cancel)
        return True
