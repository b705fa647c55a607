"""A rolling restart: a new supervisor of new code takes over, and the process that was started first stays the first.

On SIGHUP the first process starts its own command line again as a child: a fork would be old code. Once every worker
of that generation is ready, the one before lets what runs end, and goes. One that cannot start changes nothing.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from . import exits, signals
from .signals import SignalPipe

HANDOVER: Final = "JOBS_HANDOVER"  # tells a generation its two pipes
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGINT, signals.QUIET)
_LOOK_EVERY_S: Final = 1.0

log = structlog.get_logger("jobs.supervisor")


def _where_it_began() -> str:
    """The folder by the name it was entered by: a deploy may have pointed that name to another one since."""
    named, real = os.environ.get("PWD", ""), str(Path.cwd())
    return named if named and Path(named).is_dir() and Path(named).samefile(real) else real


_FOLDER: Final = _where_it_began()


class Handover:
    """What a generation has of the first process: a lifeline, and a line to say that it is ready."""

    def __init__(self, lifeline: int, ready: int) -> None:
        self.lifeline = lifeline
        self._ready = ready

    def say_ready(self) -> None:
        if self._ready >= 0:
            with suppress(OSError):  # the first process is gone; the lifeline says so too
                os.write(self._ready, b"1")
            os.close(self._ready)
            self._ready = -1


def take_handover() -> Handover | None:
    """None in a first process. What a generation starts in its turn must not find it."""
    given = os.environ.pop(HANDOVER, "")
    if not given:
        return None
    lifeline, ready = (int(number) for number in given.split(","))
    for descriptor in (lifeline, ready):
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    return Handover(lifeline, ready)


class Generation:
    """A supervisor of the same command line as a child of this process."""

    def __init__(self) -> None:
        lifeline, self._held_end = os.pipe()
        self._ready, ready = os.pipe()
        try:
            started = subprocess.Popen(  # noqa: S603 - the command line of this very process
                [sys.executable, *sys.orig_argv[1:]],
                env=os.environ | {HANDOVER: f"{lifeline},{ready}"},
                cwd=_FOLDER,
                pass_fds=(lifeline, ready),
                process_group=0,  # a signal from the terminal reaches it once: through us
            )
        finally:
            os.close(lifeline)
            os.close(ready)
        self.pid = started.pid
        self.code: int | None = None
        started.returncode = 0  # it is waited for here

    def look(self) -> None:
        """See whether it has ended."""
        if self.code is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.ended(status)

    def ended(self, wait_status: int) -> None:
        self.code = os.waitstatus_to_exitcode(wait_status)
        os.close(self._held_end)
        os.close(self._ready)

    def is_ready(self) -> bool:
        if self.code is not None or not select.select([self._ready], [], [], 0)[0]:
            return False
        return os.read(self._ready, 1) == b"1"

    def tell(self, number: int) -> None:
        if self.code is None:
            os.kill(self.pid, number)


class Succession:
    """The generations that a first process has started: the one that works, the one that comes, those that go."""

    def __init__(self) -> None:
        self._current: Generation | None = None
        self._next: Generation | None = None
        self._leaving: list[Generation] = []

    @property
    def _all(self) -> list[Generation]:
        return [each for each in (self._current, self._next, *self._leaving) if each is not None]

    def begin(self) -> None:
        """Start the next one."""
        if self._next is not None:
            log.info("a restart is under way already", pid=self._next.pid)
            return
        try:
            self._next = Generation()
        except OSError:
            log.exception("the new code could not be started; the old goes on")
        else:
            log.info("restarting with new code", pid=self._next.pid)

    def look(self) -> bool:
        """See how they are; True when the next one has just taken over."""
        for each in self._all:
            each.look()
        self._leaving = [each for each in self._leaving if each.code is None]
        coming = self._next
        if coming is None:
            return False
        if coming.code is not None:
            log.error("the new code could not start; the old goes on", code=coming.code)
            self._next = None
            return False
        if not coming.is_ready():
            return False
        log.info("the new code has taken over", pid=coming.pid)
        if self._current is not None:
            self._current.tell(signals.RETIRE)
            self._leaving.append(self._current)
        self._current, self._next = coming, None
        return True

    def tell(self, number: int) -> None:
        for each in self._all:
            each.tell(number)

    def buried(self, pid: int, wait_status: int) -> None:
        """One of them may have been waited for by whoever waits for every process."""
        for each in self._all:
            if each.pid == pid and each.code is None:
                each.ended(wait_status)

    def follow(self, ears: SignalPipe) -> int:
        """Stay for as long as a generation works, for nothing but its signals; answers the exit code of the last."""
        code = exits.OK
        while self._all:
            self.look()
            if self._current is not None and self._current.code is not None:
                code, self._current = self._current.code, None
            if not self._all:
                break
            for number in ears.wait(_LOOK_EVERY_S).signals:
                if number in _PASSED_ON:
                    self.tell(number)
                elif number == signals.RETIRE:
                    self.begin()
            if os.getpid() == 1:
                self._reap_adopted()
        return code

    def _reap_adopted(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self.buried(*ended)
