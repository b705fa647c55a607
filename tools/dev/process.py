"""Processes as the system sees them: whether one still lives, and how to end it with all it started."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process by its id and start time: an id alone may belong to somebody else by now."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has this id now."""
        return cls(pid, start_time(pid) or "")

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return bool(self.started) and start_time(self.pid) == self.started


def start_time(pid: int) -> str | None:
    """Something that stays the same for one process and differs for the next one with its id."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return answer.stdout.strip() or None


def end(processes: list[Process], *, grace_seconds: float) -> None:
    """Ask all of them to end, each the leader of its group; kill what is left of the groups after that."""
    living = [process for process in processes if process.is_alive()]
    for process in living:
        _signal(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and any(process.is_alive() for process in living):
        time.sleep(0.05)
    for process in living:
        _signal(-process.pid, signal.SIGKILL)


def end_group(leader: Process, number: signal.Signals) -> None:
    """Send a signal to what is left of the group of a process that has ended."""
    if leader.pid > 1:
        _signal(-leader.pid, number)


def _signal(target: int, number: int) -> None:
    try:
        os.kill(target, number)
    except (ProcessLookupError, PermissionError):
        return
