"""What `.using()` takes: everything about one job that may differ from its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..errors import ConfigError, InvalidInput
from ..model.clock import as_ms, moment_ms
from ..model.job import Unique
from ..model.limits import (
    MAX_ATTEMPTS,
    MAX_DELAY_DAYS,
    MAX_PRIORITY,
    MAX_UNIQUE_KEY_CHARS,
    MIN_PRIORITY,
)
from ..model.payload import check_metadata, check_queue, check_text
from ..model.retry import Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Using:
    """Checked options of one job; None means "as the task says".

    delay: seconds or timedelta from the store's now. run_at: an aware datetime. At most one of them.
    unique_key is held until the job ends; with unique_while="pending" until it starts, with unique_for (seconds or
    timedelta) so long, whatever becomes of it. expires_in: seconds or timedelta from when it is due for the first time;
    started no later than that, or cancelled.
    """

    queue: str | None = None
    priority: int | None = None
    delay: timedelta | float | None = None
    run_at: datetime | None = None
    retry: Retry | None = None
    max_attempts: int | None = None
    timeout: timedelta | float | None = None
    unique_key: str | None = None
    unique_while: str | None = None
    unique_for: timedelta | float | None = None
    expires_in: timedelta | float | None = None
    metadata: Mapping[str, Any] | None = None
    keep_result: bool | None = None

    def __post_init__(self) -> None:
        if self.queue is not None:
            check_queue(self.queue)
        if self.priority is not None:
            check_priority(self.priority)
        if self.max_attempts is not None and not _is_whole(self.max_attempts, 1, MAX_ATTEMPTS):
            raise InvalidInput(f"give a whole number from 1 to {MAX_ATTEMPTS}", path="$.max_attempts")
        if self.unique_key is not None:
            check_text(self.unique_key, path="$.unique_key", limit=MAX_UNIQUE_KEY_CHARS)
        if self.metadata is not None:
            object.__setattr__(self, "metadata", check_metadata(self.metadata))
        if self.timeout is not None and not timedelta(0) < _duration(self.timeout, "$.timeout"):
            raise InvalidInput("a timeout is longer than nothing", path="$.timeout")
        self._check_unique()
        self._check_time()

    @property
    def delay_ms(self) -> int:
        return 0 if self.delay is None else as_ms(_duration(self.delay, "$.delay"))

    @property
    def run_at_ms(self) -> int:
        return 0 if self.run_at is None else moment_ms(self.run_at)

    @property
    def unique(self) -> Unique:
        if self.unique_for is not None:
            return Unique.FOR_A_TIME
        return Unique.WHILE_PENDING if self.unique_while == "pending" else Unique.UNTIL_FINISHED

    @property
    def unique_ms(self) -> int:
        return 0 if self.unique_for is None else as_ms(_duration(self.unique_for, "$.unique_for"))

    @property
    def timeout_ms(self) -> int | None:
        return None if self.timeout is None else as_ms(_duration(self.timeout, "$.timeout"))

    def expires(self, default: timedelta | float | None) -> tuple[int, int]:
        """Until when a job is worth starting: milliseconds after it is enqueued, or a moment; zeros: for ever."""
        chosen = default if self.expires_in is None else self.expires_in
        if chosen is None:
            return 0, 0
        span_ms = as_ms(_duration(chosen, "$.expires_in"))
        return (0, self.run_at_ms + span_ms) if self.run_at is not None else (self.delay_ms + span_ms, 0)

    def _check_unique(self) -> None:
        if self.unique_while not in (None, "pending", "unfinished"):
            raise InvalidInput('give "pending" or "unfinished"', path="$.unique_while")
        if self.unique_while is not None and self.unique_for is not None:
            raise InvalidInput("give unique_while or unique_for, not both", path="$.unique_for")
        if self.unique_key is None and (self.unique_while or self.unique_for is not None):
            raise InvalidInput("give the unique_key that this is about", path="$.unique_key")
        if self.unique_for is not None:
            _check_span(self.unique_for, "$.unique_for")

    def _check_time(self) -> None:
        if self.expires_in is not None:
            _check_span(self.expires_in, "$.expires_in")
        if self.delay is not None and self.run_at is not None:
            raise InvalidInput("give delay or run_at, not both", path="$.delay")
        if self.delay is not None and not 0 <= self.delay_ms <= MAX_DELAY_DAYS * 86_400_000:
            raise InvalidInput(f"a delay lies between 0 and {MAX_DELAY_DAYS} days", path="$.delay")
        if self.run_at is None:
            return
        if not isinstance(self.run_at, datetime) or self.run_at.tzinfo is None:
            raise InvalidInput("give a datetime with its time zone, as 2030-01-31T09:00:00+01:00", path="$.run_at")
        if not 1970 < self.run_at.year < 1970 + 57 + MAX_DELAY_DAYS // 365 + 100:
            raise InvalidInput("this time is a mistake: its year is out of reach", path="$.run_at")


def check_priority(priority: Any) -> int:
    if not _is_whole(priority, MIN_PRIORITY, MAX_PRIORITY):
        raise InvalidInput(f"give a whole number from {MIN_PRIORITY} to {MAX_PRIORITY}", path="$.priority")
    return int(priority)


def make_using(options: Mapping[str, Any]) -> Using:
    """Options by name; an unknown name is refused with the known ones listed."""
    unknown = options.keys() - Using.__dataclass_fields__.keys()
    if unknown:
        known = ", ".join(sorted(Using.__dataclass_fields__))
        raise ConfigError(f"using() does not know {', '.join(sorted(unknown))}; it takes {known}")
    return Using(**options)


def _check_span(value: Any, path: str) -> None:
    if not 0 < as_ms(_duration(value, path)) <= MAX_DELAY_DAYS * 86_400_000:
        raise InvalidInput(f"give a time longer than nothing, at most {MAX_DELAY_DAYS} days", path=path)


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _duration(value: Any, path: str) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return timedelta(seconds=value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput("give seconds or a timedelta", path=path) from None
