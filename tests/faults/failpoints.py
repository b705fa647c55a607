"""Places at which a process of the test application kills itself: before and after verbs, and around handlers.

They stand in the tests' application, before the real store: what is shipped has none of them.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.backends.contract import Backend, Exchange, ExchangeReply, Rescue
from core.model.job import Claim

POINTS = (
    "after claim",
    "before start",
    "mid-run",
    "after handler",
    "before settle",
    "after settle",
    "in the hot verb",
    "in rescue",
)
_armed: dict[str, float] = {}  # the chance of dying at each passage
_deaths: list[Path] = []


def arm(told: str, deaths: Path) -> None:
    """told: "after claim=0.01,in rescue=1"; deaths: where a process that dies writes its number."""
    for part in filter(None, told.split(",")):
        point, _, share = part.partition("=")
        assert point in POINTS, f"no such failpoint: {point}"
        _armed[point] = float(share or 1)
    _deaths.append(deaths)


def reach(point: str) -> None:
    """Die here, if the point is armed and chance says so."""
    if random.random() < _armed.get(point, 0.0):
        die(point)


def die(point: str) -> None:
    file = os.open(_deaths[-1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{os.getpid()} {time.time():.6f} {point}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def read_deaths(path: Path) -> list[tuple[int, float, str]]:
    """Who died, when and where."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(pid), float(at), point) for pid, at, point in (line.split(" ", 2) for line in lines)]


@contextmanager
def around(claim: Claim) -> Iterator[None]:
    """What is wrapped around every attempt (Jobs(around=...))."""
    reach("before start")
    yield
    reach("after handler")


class Failing:
    """The real store behind failpoints."""

    def __init__(self, store: Backend) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def exchange(self, call: Exchange) -> ExchangeReply:
        if call.outcomes:
            reach("before settle")
        if random.random() < _armed.get("in the hot verb", 0.0):
            threading.Timer(random.uniform(0, 0.003), die, ["in the hot verb"]).start()
        reply = self._store.exchange(call)
        if call.outcomes:
            reach("after settle")
        if reply.claims:
            reach("after claim")
        return reply

    def rescue(self, queue: str, limit: int, lease_ms: int) -> Rescue:
        found = self._store.rescue(queue, limit, lease_ms)
        if found.claims:
            reach("in rescue")
        return found
