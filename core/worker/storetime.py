"""The store's time between two of its answers, so that what a worker writes down fits what the store writes down."""

from __future__ import annotations

import time


class StoreTime:
    """UTC milliseconds of the store, counted on from its newest answer with the host's monotonic clock."""

    def __init__(self) -> None:
        self._offset_ms = time.time_ns() // 1_000_000 - _monotonic_ms()

    def heard(self, now_ms: int) -> None:
        """The store just said what time it is; 0 says nothing."""
        if now_ms:
            self._offset_ms = now_ms - _monotonic_ms()

    def now_ms(self) -> int:
        return _monotonic_ms() + self._offset_ms

    def at(self, at_ms: int) -> float:
        """A time of the store on the host's monotonic clock, in seconds."""
        return (at_ms - self._offset_ms) / 1000


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
