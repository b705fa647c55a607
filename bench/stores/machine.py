"""What a result was measured on: no names, no paths, only what moves the figures."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def today() -> str:
    return datetime.now(tz=UTC).strftime("%Y-%m-%d")


def cpu() -> str:
    """Model and number of CPUs."""
    return f"{_model()}, {os.cpu_count()} CPUs"


def versions(programs: Sequence[Path]) -> str:
    """Of Python, its drivers, and the servers."""
    drivers = ", ".join(f"{name} {version(name)}" for name in ("redis", "hiredis", "psycopg"))
    servers = ", ".join(_version_of(program) for program in programs)
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {drivers}, {servers}".rstrip(", ")


def fdatasync_ms(folder: Path, *, times: int = 200) -> float:
    """How long the disk takes to say that a page is safe: the median."""
    path = folder / "fdatasync"
    sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        taken = []
        for _ in range(times):
            os.write(descriptor, bytes(4096))
            started = time.perf_counter()
            sync(descriptor)
            taken.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(taken) * 1000


def load() -> float:
    """How many processes wanted a CPU in the last minute: others disturb."""
    return os.getloadavg()[0]


def _model() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _version_of(program: Path) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    found = re.search(r"v=([\d.]+)|\(PostgreSQL\) ([\d.]+)", told)
    number = next(filter(None, found.groups())) if found else told.strip()
    return f"{'PostgreSQL' if 'PostgreSQL' in told else 'Redis'} {number}"
