"""Isolated attempts as their worker sees them: sent to the zygote, watched while they run, settled as they ended."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import structlog
from msgspec.structs import replace

from ..model.outcome import Charge, ErrorDetail
from ..tasks.notebook import Page
from . import wire
from .attempt import Attempt, Finished
from .exits import cause_alone
from .hatch import Ends, Hatch
from .interrupts import Interrupt, LeaseInterrupt, StopInterrupt
from .liveness import memory_of
from .notes import notebook_of
from .settlement import Settlement
from .storetime import StoreTime

MERCY_S: Final = 4.0  # from the signal to the kill: with a look around it is less than five seconds
LOOK_EVERY_S: Final = 0.1
AGAIN_S: Final = 0.5  # before a child that could not be started is asked for once more
SEND_S: Final = 10.0
MB: Final = 1 << 20

log = structlog.get_logger("jobs.worker")


class IsolatedError(Exception):
    """Stands for what a handler raised in its own process."""


class Ending(NamedTuple):
    """How a child ended. wait_status: None when the zygote ended before it could tell. cause: why this worker killed
    it, if for more than an interrupt."""

    answer: wire.Answer | None
    wait_status: int | None
    was_killed: bool
    cause: str


class Isolation:
    """Used by the threads of the lanes; keeps nothing between attempts."""

    def __init__(
        self,
        hatch: Hatch,
        settlement: Settlement,
        store_time: StoreTime,
        *,
        on_start: Callable[[Attempt], None],
        on_note: Callable[[Attempt], None],
    ) -> None:
        self._hatch = hatch
        self._settlement = settlement
        self._time = store_time
        self._on_start = on_start
        self._on_note = on_note

    def run(self, attempt: Attempt) -> Finished:
        """Run an attempt in a child of its own, to its end."""
        self._on_start(attempt)
        notebook_of(attempt, self._on_note)
        try:
            while attempt.interrupt is None:
                following = self._begin(attempt)
                if following is not None:
                    return self._finished(attempt, following.to_the_end())
                log.warning("no isolated process could be started, trying again", job=str(attempt.claim.ref))
                time.sleep(AGAIN_S)
            return self._settlement.never_started(attempt)
        except Exception:
            log.exception("an isolated process was lost sight of", job=str(attempt.claim.ref))
            return self._settlement.lost(attempt, "its worker lost sight of its process; the worker's log says why")

    def _begin(self, attempt: Attempt) -> Following | None:
        try:
            following = Following(self._hatch, attempt)
            return following if following.begin(self._order(attempt)) else None
        except OSError as error:  # no more sockets, or no memory for them
            log.warning("the zygote could not be reached", error=str(error))
            return None

    def _order(self, attempt: Attempt) -> wire.Order:
        return wire.Order(
            claim=attempt.claim,
            started=attempt.started,
            started_ms=attempt.started_ms,
            deadline=attempt.deadline,
            now_ms=self._time.now_ms(),
            worker=self._settlement.worker,
            memory_bytes=attempt.task.memory_bytes,
            cpu_s=attempt.task.cpu_s,
        )

    def _finished(self, attempt: Attempt, ending: Ending) -> Finished:
        if ending.answer is not None:
            return _as_answered(attempt, ending.answer)
        if attempt.interrupt in (LeaseInterrupt, StopInterrupt):
            return self._settlement.failed(attempt, attempt.interrupt())
        how = ending.cause or ("its zygote ended" if ending.wait_status is None else cause_alone(ending.wait_status))
        log.warning("isolated process died", job=str(attempt.claim.ref), task=attempt.claim.task, cause=how)
        if ending.wait_status is None:
            return self._settlement.lost(attempt, "the process that watched over it ended, and it with that")
        if ending.cause:
            return self._settlement.crashed(attempt, how)
        if attempt.interrupt is not None and (ending.was_killed or _died_of(ending, signal.SIGTERM)):
            return self._settlement.failed(attempt, _too_long(attempt))
        if _died_of(ending, signal.SIGXCPU):
            return self._settlement.failed(attempt, TimeoutError(f"used up its CPU time of {attempt.task.cpu_s} s"))
        return self._settlement.crashed(attempt, how)


class Following:
    """One attempt in one child, followed to its end by the thread that began it. A Seat: any thread may interrupt."""

    def __init__(self, hatch: Hatch, attempt: Attempt) -> None:
        self._hatch = hatch
        self._attempt = attempt
        self._line, far_line = socket.socketpair()
        self._watch, far_watch = socket.socketpair()
        self._far = Ends(far_line, far_watch, os.getpid())
        self._inbox = wire.Inbox()
        self._pid = 0
        self._answer: wire.Answer | None = None
        self._kill_at = 0.0
        self._was_killed = False
        self._cause = ""

    def begin(self, order: wire.Order) -> bool:
        """Have a child started; False when none could be."""
        try:
            has_room = self._hatch.put(self._far)
        finally:
            self._far.close()
        born = self._await_birth() if has_room else None
        if born is None or born.kind != wire.BORN:
            self._close()
            return False
        self._pid = born.number
        self._line.settimeout(SEND_S)
        with suppress(OSError):  # it is dead already: its end is told on the watch
            wire.send(self._line, order)
        self._attempt.seat = self
        return True

    def to_the_end(self) -> Ending:
        try:
            wait_status = self._follow()
        finally:
            self._close()
        if wait_status is None:
            with suppress(ProcessLookupError, PermissionError):  # it died with the zygote; what it had started did not
                os.killpg(self._pid, signal.SIGKILL)
        return Ending(self._answer, wait_status, self._was_killed, self._cause)

    def interrupt(self, attempt: Attempt, kind: type[Interrupt]) -> bool:
        try:
            self._line.send(wire.REASONS[kind])
            self._watch.send(wire.ASK_TO_STOP)
        except OSError:
            return False
        return True

    def _await_birth(self) -> wire.News | None:
        """A zygote that has just died is replaced; an interrupt does not wait for that."""
        waiting = select.poll()
        waiting.register(self._watch, select.POLLIN)
        while self._attempt.interrupt is None:
            if waiting.poll(LOOK_EVERY_S * 1000):
                return wire.hear(self._watch)
        return None

    def _follow(self) -> int | None:
        waiting = select.poll()
        waiting.register(self._line, select.POLLIN)
        waiting.register(self._watch, select.POLLIN)
        line, watch = self._line.fileno(), self._watch.fileno()
        while True:
            ready = {fd for fd, _ in waiting.poll(LOOK_EVERY_S * 1000)}
            if line in ready:
                self._listen()
                if self._inbox.has_ended:
                    waiting.unregister(line)
            if watch in ready:
                news = wire.hear(self._watch)
                while not self._inbox.has_ended and self._has_more():
                    self._listen()
                return None if news is None else news.number
            self._look(time.monotonic())

    def _listen(self) -> None:
        for message in self._inbox.take_in(self._line):
            if isinstance(message, wire.Noted) and self._attempt.notebook is not None:
                self._attempt.notebook.write(Page(message.progress, message.checkpoint, message.log))
            elif isinstance(message, wire.Answer):
                self._answer = message
                self._kill_at = self._kill_at or time.monotonic() + MERCY_S  # it has nothing left to do

    def _has_more(self) -> bool:
        waiting = select.poll()
        waiting.register(self._line, select.POLLIN)
        return bool(waiting.poll(0))

    def _look(self, now: float) -> None:
        limit = self._attempt.task.memory_bytes
        if limit and not self._was_killed and memory_of(self._pid) > limit:
            self._cause = f"out of memory (limit {limit // MB} MB)"
            self._kill()
        if self._attempt.interrupt is not None and not self._kill_at:
            self._kill_at = now + MERCY_S
        if self._kill_at and now >= self._kill_at:
            self._kill()

    def _kill(self) -> None:
        if not self._was_killed:
            self._was_killed = True
            with suppress(OSError):
                self._watch.send(wire.KILL)

    def _close(self) -> None:
        self._line.close()
        self._watch.close()


def _as_answered(attempt: Attempt, answer: wire.Answer) -> Finished:
    outcome = answer.outcome
    if outcome is not None and attempt.claim.is_suspect and outcome.charge is Charge.COUNTED:
        outcome = replace(outcome, charge=Charge.CLEARED)  # it ended by itself, alone: it kills nobody
    error = None if answer.error is None else _stand_in(answer.error)
    return Finished(attempt, outcome, name=answer.name, run_s=answer.run_s, error=error)


def _stand_in(detail: ErrorDetail) -> Exception:
    """An exception of the same name and words, for those who tell of it."""
    kind: type[IsolatedError] = type(detail.type, (IsolatedError,), {})
    return kind(detail.message)


def _died_of(ending: Ending, number: int) -> bool:
    status = ending.wait_status
    return status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == number


def _too_long(attempt: Attempt) -> BaseException:
    allowed = attempt.deadline - attempt.started
    return TimeoutError(f"ran longer than its timeout of {allowed:g} s and did not stop; its process was killed")
