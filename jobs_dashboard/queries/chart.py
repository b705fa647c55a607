"""A chart of the last hour as numbers a template can draw: bars of completed jobs, a band of failed attempts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone

from core.model.minutes import minute_of

from .snapshot import CHART_MINUTES, Minutes

BAR_STEP = 10
BAR_WIDTH = 8
_FAILURES = ("failed", "dead")


@dataclass(frozen=True)
class Bar:
    """One minute: what it counted and where it is drawn (0 to 100 from the top)."""

    time: str
    x: int
    completed: int
    failures: int
    height: float
    failure_height: float

    @property
    def y(self) -> float:
        return round(100 - self.height, 2)

    @property
    def failure_y(self) -> float:
        return round(100 - self.failure_height, 2)


@dataclass(frozen=True)
class Chart:
    """The last hour, oldest minute first."""

    bars: tuple[Bar, ...]
    top: int
    failure_top: int
    marks: tuple[str, ...]

    width = CHART_MINUTES * BAR_STEP
    bar_width = BAR_WIDTH

    @property
    def middle(self) -> int:
        return self.top // 2

    @property
    def newest_first(self) -> Sequence[Bar]:
        return self.bars[::-1]

    @property
    def completed(self) -> int:
        return sum(bar.completed for bar in self.bars)

    @property
    def failures(self) -> int:
        return sum(bar.failures for bar in self.bars)

    @property
    def summary(self) -> str:
        busiest = max(bar.completed for bar in self.bars)
        return f"Jobs completed in the last hour: {self.completed:,}; at most {busiest:,} a minute"

    @property
    def failure_summary(self) -> str:
        return f"Attempts failed in the last hour: {self.failures:,}"


def chart_of(queues: Iterable[Minutes], at_ms: int) -> Chart:
    """Add up the queues' counters by minute and scale them."""
    held = list(queues)
    last = minute_of(at_ms)
    minutes = range(last - CHART_MINUTES + 1, last + 1)
    completed = [total(held, minute, ("completed",)) for minute in minutes]
    failures = [total(held, minute, _FAILURES) for minute in minutes]
    top, failure_top = round_up(max(completed)), round_up(max(failures))
    bars = tuple(
        Bar(_time(minute), at * BAR_STEP + 1, done, failed, _scaled(done, top), _scaled(failed, failure_top))
        for at, (minute, done, failed) in enumerate(zip(minutes, completed, failures, strict=True))
    )
    marks = tuple(_time(minute) for minute in (*list(minutes)[::20], last))
    return Chart(bars, top, failure_top, marks)


def total(queues: Iterable[Minutes], minute: int, names: tuple[str, ...]) -> int:
    """The sum of some counters over all tasks in one minute."""
    return sum(
        value
        for queue in queues
        for metric, value in queue.get(minute, {}).items()
        if metric.rpartition("|")[2] in names
    )


def round_up(value: int) -> int:
    """The next 1, 2 or 5 times a power of ten, at least 2, so that half of it is a whole number more often."""
    step = 1
    while True:
        for factor in (2, 4, 10):
            if value <= factor * step:
                return factor * step
        step *= 10


def _scaled(value: int, top: int) -> float:
    return round(max(value / top * 100, 1.5), 2) if value else 0


def _time(minute: int) -> str:
    return timezone.localtime(datetime.fromtimestamp(minute * 60, tz=UTC)).strftime("%H:%M")
