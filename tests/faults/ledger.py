"""What handlers really did, written outside the queue by the handlers themselves: one line at each start and end."""

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

_open: dict[str, int] = {}


def write(path: str, word: str, job: str, token: int, attempt: int) -> None:
    """Append one line; short lines of O_APPEND writers never mix, and a killed process leaves whole ones."""
    if path not in _open:
        _open[path] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(_open[path], f"{word} {job} {token} {attempt} {os.getpid()} {time.time():.6f}\n".encode())


@dataclass
class Run:
    """One start of a handler. ended is 0.0 when it never came to its end."""

    job: str
    token: int
    attempt: int
    pid: int
    started: float
    ended: float = 0.0
    failed: bool = False


def read(path: Path) -> dict[str, list[Run]]:
    """Every run by job, in the order of the starts."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for line in path.read_text().splitlines() if path.exists() else []:
        word, job, token, attempt, pid, at = line.split()
        if word == "start":
            runs[job].append(Run(job, int(token), int(attempt), int(pid), float(at)))
            continue
        run = next(r for r in reversed(runs[job]) if (r.token, r.pid) == (int(token), int(pid)))
        run.ended, run.failed = float(at), word == "fail"
    return runs
