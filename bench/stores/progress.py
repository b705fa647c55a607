"""Telling somebody who waits how far it is, on standard error."""

from __future__ import annotations

import sys
import time

_PAUSE_S = 5.0


class Progress:
    """Of one store."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started = self._told = time.monotonic()

    def say(self, what: str) -> None:
        """Something begins or has ended."""
        self._told = time.monotonic()
        print(f"[{self._told - self._started:6.1f} s] {self._name}: {what}", file=sys.stderr, flush=True)

    def tell(self, done: int, of: int) -> None:
        """How far a long step is; speaks now and then only."""
        if time.monotonic() - self._told >= _PAUSE_S:
            self.say(f"{done:,} of {of:,} jobs")
