"""A `runworkers` of the test application as real processes, to be looked at, signalled and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 20.0


def wait_until(condition: Callable[[], object], *, seconds: float, what: str) -> float:
    """Wait for a condition; answers how long it took, fails the test after `seconds`."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


@dataclass
class Fleet:
    """Supervisors in sessions of their own, so that nothing outlives the test."""

    url: str
    folder: Path
    options: list[str] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    module: str = "tests.faults.application"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start another supervisor."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, self.url, str(self.ledger), *self.options, *options],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_and_wait(self, *options: str, workers: int = 1) -> subprocess.Popen[bytes]:
        process = self.start(*options)
        wait_until(lambda: len(children(process.pid, "jobs-worker")) >= workers, seconds=START_S, what="workers")
        return process

    def close(self) -> None:
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(10)

    def isolated(self) -> set[int]:
        """Children in which a handler runs alone; each leads a session of its own, and a new one has no name yet."""
        named = [pid for pid in _pids() if _name(pid) in ("jobs-isolated", "jobs-zygote")]
        return {pid for pid in named if str(self.ledger) in _command(pid)}

    def survivors(self) -> list[int]:
        """Processes that are left of any supervisor's session."""
        return [pid for process in self.processes for pid in _in_session(process.pid)]


def children(parent: int, name: str = "jobs-") -> list[int]:
    """Children of a process whose name starts so."""
    return [pid for pid in _pids() if _stat(pid)[1] == parent and _name(pid).startswith(name)]


def is_alive(pid: int) -> bool:
    return _stat(pid)[0] not in ("", "Z", "X")


def _in_session(session: int) -> list[int]:
    return [pid for pid in _pids() if _stat(pid)[2] == session and is_alive(pid)]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _stat(pid: int) -> tuple[str, int, int]:
    """State, parent and session of a process; empty when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0, 0
    return fields[0], int(fields[1]), int(fields[3])
