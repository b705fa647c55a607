"""When a failed attempt is tried again: none, linear or exponential with a cap; jitter only adds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

from ..errors import ConfigError
from .clock import as_ms
from .limits import MAX_ATTEMPTS

Backoff = Literal["none", "linear", "exponential"]
Jitter = Literal["some", "full", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how far apart a task is tried.

    max_attempts: runs in all, the first included. base: seconds or timedelta before the first retry.
    exponential: base * multiplier ** (n - 1); linear: base * n; none: at once. cap bounds each delay.
    jitter "some" adds up to 10 %, "full" takes a random part of the delay, "none" adds nothing.
    """

    max_attempts: int = 4
    backoff: Backoff = "exponential"
    base: timedelta | float = 60
    multiplier: float = 2.0
    cap: timedelta | float = 300
    jitter: Jitter = "some"

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", _duration(self.base))
        object.__setattr__(self, "cap", _duration(self.cap))
        if not 1 <= self.max_attempts <= MAX_ATTEMPTS:
            raise ConfigError(f"Retry(max_attempts={self.max_attempts}): give 1 (never retried) to {MAX_ATTEMPTS}")
        if self.backoff not in get_args(Backoff):
            raise ConfigError(f"Retry(backoff={self.backoff!r}): one of {', '.join(get_args(Backoff))}")
        if self.jitter not in get_args(Jitter):
            raise ConfigError(f"Retry(jitter={self.jitter!r}): one of {', '.join(get_args(Jitter))}")
        if _duration(self.base) < timedelta(0) or _duration(self.cap) < timedelta(0) or self.multiplier < 1:
            raise ConfigError("Retry: base and cap are not negative, and multiplier is at least 1")

    def delay_ms(self, failures: int, chance: float) -> int:
        """Milliseconds to wait after the failures-th failure (from 1); chance is a random number in [0, 1)."""
        base, cap = as_ms(_duration(self.base)), as_ms(_duration(self.cap))
        wait = min(cap, _growth(self.backoff, base, self.multiplier, failures, cap))
        if self.jitter == "full":
            return round(wait * chance)
        return round(wait * (1 + 0.1 * chance)) if self.jitter == "some" else wait

    def as_data(self) -> list[Any]:
        """What a job carries when `.using(retry=...)` overrides its task; max_attempts is stored beside it."""
        base, cap = as_ms(_duration(self.base)), as_ms(_duration(self.cap))
        return [self.backoff, base, self.multiplier, cap, self.jitter]

    @classmethod
    def from_data(cls, data: list[Any], *, max_attempts: int) -> Retry:
        backoff, base_ms, multiplier, cap_ms, jitter = data
        return cls(
            max_attempts=max_attempts,
            backoff=backoff,
            base=timedelta(milliseconds=base_ms),
            multiplier=multiplier,
            cap=timedelta(milliseconds=cap_ms),
            jitter=jitter,
        )


def _growth(backoff: Backoff, base: int, multiplier: float, failures: int, cap: int) -> int:
    if backoff == "none":
        return 0
    if backoff == "linear":
        return base * failures
    exponent = min(failures - 1, 64)  # beyond it any real cap has long been reached, and floats overflow
    return round(min(base * multiplier**exponent, cap))


def _duration(value: timedelta | float) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=value)
