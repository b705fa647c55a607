"""When a schedule fires: cron expressions in a time zone, and plain intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from ..errors import InvalidInput
from .clock import as_ms, from_ms, moment_ms
from .limits import MAX_DELAY_DAYS
from .schedule import ScheduleSpec

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MAX_EXPRESSION_CHARS = 200
_MAX_INTERVAL_MS = MAX_DELAY_DAYS * 24 * 60 * 60 * 1000
_MAX_CATCH_UP = 100_000  # ticks walked over after a long stop before the interval is taken as one


@dataclass(frozen=True, slots=True)
class When:
    """A cron expression of five fields, or an interval in milliseconds."""

    cron: str = ""
    every_ms: int = 0


def Every(  # noqa: N802 - reads as the noun it makes: `schedule(Every(minutes=5))`
    *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
) -> When:
    """At each multiple of an interval since 1970 in UTC, at least one second apart."""
    try:
        every = as_ms(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))
    except (OverflowError, ValueError, TypeError):
        every = 0
    if not 1000 <= every <= _MAX_INTERVAL_MS:
        told = f"an interval is at least one second and at most {MAX_DELAY_DAYS} days"
        raise InvalidInput(told, path="$.every", limit=MAX_DELAY_DAYS)
    return When(every_ms=every)


def Daily(hour: int = 0, minute: int = 0) -> When:  # noqa: N802
    """Once a day at a time of the clock."""
    return as_when(f"{minute} {hour} * * *")


def Weekly(day: str = "mon", hour: int = 0, minute: int = 0) -> When:  # noqa: N802
    """Once a week; day is one of sun mon tue wed thu fri sat."""
    if not isinstance(day, str) or day.lower() not in _WEEKDAYS:
        raise InvalidInput(f"{day!r} is no weekday: one of {' '.join(_WEEKDAYS)}", path="$.day")
    return as_when(f"{minute} {hour} * * {_WEEKDAYS.index(day.lower())}")


def Monthly(day: int = 1, hour: int = 0, minute: int = 0) -> When:  # noqa: N802
    """Once a month; a day that a month does not have is skipped in it."""
    return as_when(f"{minute} {hour} {day} * *")


def as_when(when: str | When) -> When:
    """A checked expression; raises InvalidInput for one that is malformed or never fires."""
    if isinstance(when, When):
        return when
    if not isinstance(when, str) or len(when) > _MAX_EXPRESSION_CHARS or len(when.split()) != 5:
        raise InvalidInput("a cron expression has five fields: minute hour day month weekday", path="$.cron")
    try:
        next(CronSim(when, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise InvalidInput(f"not a cron expression: {error}", path="$.cron") from error
    except StopIteration:
        raise InvalidInput("this expression never fires", path="$.cron") from None
    return When(cron=" ".join(when.split()))


def as_zone(name: str) -> ZoneInfo:
    """An IANA time zone; raises InvalidInput for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise InvalidInput(f"{name!r} is no time zone; one looks like Europe/Berlin", path="$.timezone") from error


def next_fire_ms(spec: ScheduleSpec, after_ms: int) -> int | None:
    """The first tick after a time; None for an expression that never fires again."""
    if spec.every_ms:
        return (after_ms // spec.every_ms + 1) * spec.every_ms
    try:
        return moment_ms(next(CronSim(spec.cron, from_ms(after_ms).astimezone(as_zone(spec.timezone)))))
    except StopIteration:
        return None


def latest_due_ms(spec: ScheduleSpec, last_fire_ms: int, now_ms: int) -> int | None:
    """The newest tick after last_fire_ms that is due: what was missed in between is one run, not many."""
    if spec.every_ms:
        newest = now_ms // spec.every_ms * spec.every_ms
        return newest if newest > last_fire_ms else None
    due, at = None, next_fire_ms(spec, last_fire_ms)
    for _ in range(_MAX_CATCH_UP):
        if at is None or at > now_ms:
            break
        due, at = at, next_fire_ms(spec, at)
    return due
