"""The zygote: one thread, the application loaded, no connection to anything; forks a child for each isolated attempt.

It parses nothing that comes from outside: it is handed two ends of sockets, gives one to the child and keeps the other,
on which its worker hears what becomes of the child. When that worker is gone, so is the child, and all of its group.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from . import exits, signals, wire
from .hatch import Ends, Hatch
from .isolated import run_isolated
from .plan import Plan
from .signals import SignalPipe

TURN_S: Final = 1.0
LAST_WORDS_S: Final = 2.0
_BLOCKED: Final = (signal.SIGTERM, signal.SIGINT, signals.QUIET, signals.CUT, signal.SIGCHLD)
_PEEK: Final = socket.MSG_PEEK | socket.MSG_DONTWAIT
_HAS_WAITID: Final = hasattr(os, "waitid")

log = structlog.get_logger("jobs.zygote")


@dataclass(slots=True)
class Child:
    """A running isolated attempt. ends.line is the child's own; here it is closed."""

    pid: int
    ends: Ends
    is_deserted: bool = False


def zygote_main(plan: Plan, hatch: Hatch, ears: SignalPipe) -> int:
    """Serve until the supervisor says that no worker is left, or is gone itself."""
    return Zygote(plan, hatch, ears).run()


class Zygote:
    """SIGTERM and SIGINT are not for it: a process manager sends them to all, and jobs have their grace period."""

    def __init__(self, plan: Plan, hatch: Hatch, ears: SignalPipe) -> None:
        self._plan = plan
        self._hatch = hatch
        self._ears = ears
        self._children: dict[int, Child] = {}
        self._make_engine = plan.make_jobs
        if plan.make_isolated is not None:
            engine = plan.make_isolated()
            self._make_engine = lambda: engine
        self._look_at = 0.0
        ears.add(signal.SIGCHLD)

    def run(self) -> int:
        gc.collect()
        gc.freeze()  # what is here now stays: collections in the children must not copy its pages
        kill_at = 0.0
        is_ending = False
        while not (is_ending and not self._children):
            self._wait()
            heard = self._ears.wait(0.0)
            self._reap()
            self._obey()
            self._look_for_owners(time.monotonic())
            if heard.orphaned:
                is_ending, kill_at = True, time.monotonic() + self._plan.config.grace.total_seconds() + LAST_WORDS_S
            elif signals.CUT in heard.signals:
                is_ending, kill_at = True, time.monotonic()
            else:
                self._serve()
            if kill_at and time.monotonic() >= kill_at:
                self._kill_all()
        return exits.OK

    def _wait(self) -> None:
        waiting = select.poll()
        for fd in (*self._ears.fds, self._hatch.fileno()):
            waiting.register(fd, select.POLLIN)
        for child in self._children.values():
            if not child.is_deserted:
                waiting.register(child.ends.watch, select.POLLIN)
        waiting.poll(TURN_S * 1000)

    # -- new children

    def _serve(self) -> None:
        while (ends := self._hatch.fetch()) is not None:
            if _is_deserted(ends):
                ends.close()
                continue
            self._fork(ends)

    def _fork(self, ends: Ends) -> None:
        try:
            pid = self._fork_for(ends)
        except Exception:  # no memory, no more processes, or what the application closes before: later, perhaps
            log.exception("an isolated child could not be forked")
            wire.tell(ends.watch, wire.STILLBORN)
            ends.close()
            return
        ends.line.close()
        ends.watch.settimeout(0)
        self._children[pid] = Child(pid, ends)
        wire.tell(ends.watch, wire.BORN, pid)

    def _fork_for(self, ends: Ends) -> int:
        if self._plan.before_fork is not None:
            self._plan.before_fork()
        sys.stdout.flush()
        sys.stderr.flush()
        own = os.getpid()
        # Until the child has handlers of its own, a signal must neither kill it nor reach us through its copy.
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        try:
            pid = os.fork()
            if pid == 0:
                let_go = partial(self._let_go, ends)
                run_isolated(let_go, self._make_engine, ends.line, parent=own, blocked=_BLOCKED)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
        return pid

    def _let_go(self, ends: Ends) -> None:
        """In the child: nothing of its parent's is its own, least of all other children's connections."""
        self._ears.close()
        self._ears.close_lifeline()
        self._hatch.close()
        ends.watch.close()
        for child in self._children.values():
            child.ends.close()

    # -- what workers ask

    def _obey(self) -> None:
        for child in self._children.values():
            if not child.is_deserted:
                self._obey_one(child)

    def _look_for_owners(self, now: float) -> None:
        """What a handler has forked may hold a dead worker's end of the watch open."""
        if now < self._look_at:
            return
        self._look_at = now + TURN_S
        for child in self._children.values():
            if not child.is_deserted and not _is_there(child.ends.owner):
                self._desert(child)

    def _desert(self, child: Child) -> None:
        child.is_deserted = True
        child.ends.close()
        _kill(child.pid)

    def _obey_one(self, child: Child) -> None:
        try:
            asked = child.ends.watch.recv(64)
        except BlockingIOError:
            return
        except OSError:
            asked = b""
        if not asked:  # its worker is gone
            self._desert(child)
        elif wire.KILL in asked:
            _kill(child.pid)
        elif wire.ASK_TO_STOP in asked:
            os.kill(child.pid, signal.SIGTERM)

    def _kill_all(self) -> None:
        for child in self._children.values():
            _kill(child.pid)

    # -- ends

    def _reap(self) -> None:
        for child in list(self._children.values()):
            wait_status = _end_of(child.pid)
            if wait_status is not None:
                del self._children[child.pid]
                wire.tell(child.ends.watch, wire.ENDED, wait_status)
                child.ends.close()


def _end_of(pid: int) -> int | None:
    """How a child ended, once it has; what it left in its group ends with it, while its number is still its own."""
    if _HAS_WAITID:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        _kill_group(pid)
        return os.waitpid(pid, 0)[1]
    found, wait_status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    _kill_group(pid)
    return wait_status


def _kill(pid: int) -> None:
    """A child that has not been waited for, and its group (which it may not have yet)."""
    os.kill(pid, signal.SIGKILL)
    _kill_group(pid)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_deserted(ends: Ends) -> bool:
    """Whether the worker went away while its ends waited: then nothing is to run any more."""
    try:
        return not ends.watch.recv(1, _PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
