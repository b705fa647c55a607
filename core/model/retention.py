"""How long finished jobs, journals and counters are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from ..errors import ConfigError
from .clock import as_ms
from .states import State


@dataclass(frozen=True, slots=True)
class Keep:
    """The newest `count` and nothing older than `age`."""

    count: int
    age: timedelta

    def __post_init__(self) -> None:
        if self.count < 1 or self.age < timedelta(0):
            raise ConfigError("retention keeps at least one job, and its age is not negative")

    @property
    def age_ms(self) -> int:
        return as_ms(self.age)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Per queue. Journal entries are batches of up to about a hundred attempts."""

    completed: Keep = field(default=Keep(10_000, timedelta(days=7)))
    cancelled: Keep = field(default=Keep(10_000, timedelta(days=180)))
    dead: Keep = field(default=Keep(100_000, timedelta(days=180)))
    failure_entries: int = 100_000
    completed_entries: int = 2_000
    minutes: timedelta = timedelta(days=2)

    def of(self, state: State) -> Keep:
        """What is kept of a final state."""
        return {State.COMPLETED: self.completed, State.CANCELLED: self.cancelled, State.DEAD: self.dead}[state]
