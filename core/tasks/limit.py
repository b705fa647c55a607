"""What a task says about how many of its jobs may run at once, or start in a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from ..errors import ConfigError
from ..model.gate import Gate, limit_gate
from ..model.limits import MAX_GATE_CHARS, MAX_GATE_COUNT, TASK_FORM, TASK_NAME
from ..model.payload import canonical_text

second: Final = timedelta(seconds=1)
minute: Final = timedelta(minutes=1)
hour: Final = timedelta(hours=1)
day: Final = timedelta(days=1)

_TOGETHER: Final = timedelta(milliseconds=100)  # what falls into this may pass at once: workers do not look oftener


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` jobs run at once, in one queue.

    key: the name of an argument; then the limit holds for each of its values. name: tasks that give the same one share
    the limit; by default each task has its own. Jobs beyond it are `held` and stand in nobody's way.
    """

    count: int
    key: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        _check_count(self.count, "Limit")
        _check_name(self.name, "Limit")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` jobs start `per` a time (timedelta or seconds), in one queue, evenly spread over it.

    key, name: as with Limit. burst: how many may start together after a rest, by default what falls into a tenth of a
    second. A start counts, whatever becomes of it: a retry is another one.
    """

    count: int
    per: timedelta | float = second
    key: str = ""
    name: str = ""
    burst: int = 0

    def __post_init__(self) -> None:
        _check_count(self.count, "Rate")
        _check_name(self.name, "Rate")
        if not timedelta(0) < self.period <= timedelta(days=31):
            raise ConfigError("Rate: per lies between nothing and 31 days")
        if not 0 <= self.burst <= self.count:
            raise ConfigError(f"Rate: burst lies between 1 and {self.count}")

    @property
    def period(self) -> timedelta:
        return self.per if isinstance(self.per, timedelta) else timedelta(seconds=self.per)

    @property
    def interval_us(self) -> int:
        """Microseconds from one start to the next."""
        return max(1, -(-(self.period // timedelta(microseconds=1)) // self.count))

    @property
    def together(self) -> int:
        """How many may start at once after a rest."""
        return self.burst or max(1, _TOGETHER // timedelta(microseconds=self.interval_us))


def check_gates(task: str, limit: Limit | None, rate: Rate | None, names: tuple[str, ...]) -> None:
    """Refuse what a job could not wait at: an argument that is none, or two different places."""
    for one in (limit, rate):
        if one is not None and one.key and one.key not in names:
            raise ConfigError(f"task {task}: {type(one).__name__} has the key {one.key!r}, which is no argument of it")
    if limit is not None and rate is not None and (limit.key, limit.name) != (rate.key, rate.name):
        raise ConfigError(f"task {task}: a job waits in one place, so give Limit and Rate the same key and name")


def gate_of(task: str, limit: Limit | None, rate: Rate | None, value_of: Callable[[str], Any]) -> Gate | None:
    """The gate of one job; value_of gives an argument of it as data."""
    said = limit or rate
    if said is None:
        return None
    name = limit_gate(said.name or task)
    if said.key:
        name += f"={_text_of(value_of(said.key))}"
    if len(name) > MAX_GATE_CHARS:
        name = name[: MAX_GATE_CHARS - 33] + "~" + hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return Gate(
        name=name,
        limit=0 if limit is None else limit.count,
        interval_us=0 if rate is None else rate.interval_us,
        burst=1 if rate is None else rate.together,
    )


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else canonical_text(value)


def _check_count(count: Any, kind: str) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_GATE_COUNT:
        raise ConfigError(f"{kind}: give a whole number from 1 to {MAX_GATE_COUNT}")


def _check_name(name: Any, kind: str) -> None:
    if name and not (isinstance(name, str) and TASK_NAME.fullmatch(name)):
        raise ConfigError(f"{kind}: {name!r} cannot be its name: {TASK_FORM}")
