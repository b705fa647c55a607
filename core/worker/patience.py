"""What every loop does while the store is away: try again, ever less often, with jitter, and say so once in a while."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import structlog

from ..errors import StoreUnavailable

FIRST_S: Final = 0.05
LONGEST_S: Final = 2.0
TELL_EVERY_S: Final = 30.0

T = TypeVar("T")
log = structlog.get_logger("jobs.worker")


def delays(*, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> Iterator[float]:
    """Seconds to wait before each further try: doubling, a random half of it, for ever."""
    wait = first_s
    while True:
        yield wait * (0.5 + random.random() / 2)  # noqa: S311 - jitter
        wait = min(wait * 2, longest_s)


def insist(act: Callable[[], T], *, what: str, give_up: threading.Event) -> T | None:
    """Do something at the store until it answers; None once `give_up` is set. It must be safe to repeat."""
    told = began = 0.0
    for wait in delays():
        try:
            answer = act()
        except StoreUnavailable as error:
            now = time.monotonic()
            began = began or now
            if now - told >= TELL_EVERY_S:
                told = now
                log.warning("store unavailable, trying again", doing=what, error=str(error))
            if give_up.wait(wait):
                return None
        else:
            if began:
                log.info("store answers again", doing=what, away_s=round(time.monotonic() - began, 1))
            return answer
    return None
