"""Where time comes from: UTC milliseconds since 1970, from a clock that was handed in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time as UTC milliseconds."""

    def now_ms(self) -> int: ...


class SystemClock:
    """The host's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def as_ms(duration: timedelta) -> int:
    """A duration in whole milliseconds, rounded up: a delay is never shorter than asked."""
    return -(-(duration // timedelta(microseconds=1)) // 1000)


def from_ms(at_ms: int) -> datetime:
    """A stored time as an aware datetime in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)


def moment_ms(at: datetime) -> int:
    """An aware datetime as a stored time; a naive one has no meaning here."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone is ambiguous: give an aware datetime")
    return int(at.timestamp() * 1000)
