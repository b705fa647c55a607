"""Whether a process runs, is stopped, or is gone: asked of the system, so that a busy interpreter counts as running."""

from __future__ import annotations

import os
import subprocess
from enum import Enum
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_HAS_PROC = Path("/proc/self/stat").exists()


class Vital(Enum):
    """What a process is doing, as far as its leases are concerned."""

    RUNNING = "running"
    STOPPED = "stopped"  # by SIGSTOP or a debugger: it may never go on
    GONE = "gone"  # ended, or its number belongs to another process now


class Pulse(NamedTuple):
    """A process at one moment. birth tells two owners of one number apart; 0 where the system does not say."""

    vital: Vital
    birth: int


def pulse_of(pid: int) -> Pulse:
    """Look at a process of this host."""
    return read_proc(pid) if _HAS_PROC else ask_ps(pid)


def vital_of(pid: int, birth: int) -> Vital:
    """Whether the process that was born then still runs under this number."""
    pulse = pulse_of(pid)
    if birth and pulse.birth and pulse.birth != birth:
        return Vital.GONE
    return pulse.vital


def read_proc(pid: int) -> Pulse:
    """Linux: state and start time from /proc/PID/stat (proc(5), fields 3 and 22)."""
    try:
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return Pulse(Vital.GONE, 0)
    return Pulse(_from_letter(fields[0].decode()), int(fields[19]))


def ask_ps(pid: int) -> Pulse:
    """Elsewhere: the first letter of what `ps` calls the state."""
    asked = subprocess.run(  # noqa: S603 - a number is all that goes in
        ["ps", "-o", "stat=", "-p", str(int(pid))],  # noqa: S607 - where ps lies differs by system
        capture_output=True,
        text=True,
        check=False,
        timeout=5,
    )
    return Pulse(_from_letter(asked.stdout.strip()[:1]), 0)


def memory_of(pid: int) -> int:
    """Resident bytes of a process; 0 where the system does not say."""
    try:
        return int((_PROC / str(pid) / "statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def show_name(name: str) -> None:
    """Have this process listed under a name of at most 15 characters, where the system lets it choose."""
    try:
        (_PROC / "self" / "comm").write_text(name[:15])
    except OSError:
        pass  # it keeps the name of the program


def _from_letter(letter: str) -> Vital:
    if not letter or letter in "ZX":
        return Vital.GONE
    return Vital.STOPPED if letter in "Tt" else Vital.RUNNING
