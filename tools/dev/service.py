"""A process that `./dev run` keeps going: started in a group of its own, its output in a log, again if it ends."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .console import Stop, step
from .ending import held
from .paths import LOGS, ROOT
from .process import Process, end_group

MOST_RESTARTS = 5
WITHIN_SECONDS = 60.0
LOG_BYTES = 5_000_000
PR_SET_PDEATHSIG = 1


class Guard:
    """The process that cleans up if this one is killed; see guard.py."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("guard.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(program)],
            stdin=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def watch(self, process: Process) -> None:
        """From now on this process ends when the runner does."""
        self._tell(f"+{process.pid} {process.started}")

    def forget(self, process: Process) -> None:
        """This process has ended."""
        self._tell(f"-{process.pid} {process.started}")

    def dismiss(self) -> None:
        """Everything has ended in order."""
        self._tell("bye")
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # the guard was killed: on Linux the death signal still holds
            return


class Service:
    """One long-running program."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], *, keep_open: tuple[int, ...] = ()
    ) -> None:
        self.name = name
        self.log = LOGS / f"{name}.log"
        self._command = command
        self.environment = environment
        self._keep_open = keep_open
        self._starts: list[float] = []
        self._orphaned: list[Process] = []
        self._popen: subprocess.Popen[bytes] | None = None
        self.process = Process(0, "")

    def start(self, guard: Guard) -> None:
        """Start the program; a signal meanwhile waits until the guard knows of it."""
        with held():
            self._start()
            guard.watch(self.process)

    def _start(self) -> None:
        self._starts.append(time.monotonic())
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self._keep_open,
                start_new_session=True,  # a Ctrl-C in the terminal reaches the runner alone, which ends all in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the runner has one thread
            )
        self.process = Process.of(self._popen.pid)

    def has_ended(self) -> bool:
        """Whether the program is no longer there."""
        return self._popen is None or self._popen.poll() is not None

    def restart(self, guard: Guard) -> None:
        """Start it again, unless it keeps ending."""
        assert self._popen is not None
        cause = _cause(self._popen.returncode)
        guard.forget(self.process)
        end_group(self.process, signal.SIGTERM)  # what a killed program leaves behind
        self._orphaned.append(self.process)
        recent = [start for start in self._starts if time.monotonic() - start < WITHIN_SECONDS]
        if len(recent) >= MOST_RESTARTS:
            raise Stop(f"{self.name} keeps ending ({cause}):\n{self.last_words()}\nSee {self.log}")
        step(f"{self.name} ended ({cause}); starting it again")
        self.start(guard)

    def reap(self) -> None:
        """Take note of the end of the program, and kill what earlier ones of it may have left."""
        if self._popen is not None:
            self._popen.wait()
        for leader in self._orphaned:
            end_group(leader, signal.SIGKILL)

    def last_words(self) -> str:
        """The end of the log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-12:])


def _cause(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


_LIBC = _libc()  # opened before any fork: nothing may be loaded between fork and exec


_RUNNER = os.getpid()


def _die_with_parent() -> None:
    """On Linux the kernel itself ends a child whose parent is gone, should the guard be killed too."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != _RUNNER:  # it went before the kernel was told
            os._exit(1)
