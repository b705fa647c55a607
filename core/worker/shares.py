"""What a worker is to serve, as its command line says it: queues, how much of its time each gets, how many at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..errors import InvalidInput
from ..model.payload import check_queue

_FORM: Final = re.compile(r"([^=:]*)(?:=([1-9][0-9]{0,3}))?(?::([1-9][0-9]{0,3}))?")


@dataclass(frozen=True, slots=True)
class Shares:
    """weights: of every queue, when any was given one; else the order listed counts. most: jobs at once, of those
    queues that have such a bound."""

    weights: Mapping[str, int] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Served:
    """Queues by name, in order of preference; none means all."""

    names: tuple[str, ...] = ()
    shares: Shares = field(default_factory=Shares)


def read_queues(listed: Iterable[str], *, path: str = "$.queues") -> Served:
    """Each is NAME, NAME=WEIGHT, NAME:MOST or NAME=WEIGHT:MOST. Raises InvalidInput."""
    weights: dict[str, int] = {}
    most: dict[str, int] = {}
    names: list[str] = []
    for each in listed:
        found = _FORM.fullmatch(each.strip())
        if found is None:
            told = f"{each.strip()[:80]!r}: give a queue, with =WEIGHT and :MOST (1 to 9999) behind it if you like"
            raise InvalidInput(told, path=path)
        name = check_queue(found[1].strip(), path=path)
        if name in names:
            raise InvalidInput("a queue is named twice", path=path)
        names.append(name)
        if found[2]:
            weights[name] = int(found[2])
        if found[3]:
            most[name] = int(found[3])
    every = {name: weights.get(name, 1) for name in names} if weights else {}
    return Served(tuple(names), Shares(every, most))


def split_queues(text: str) -> list[str]:
    """What stands between the commas of an option."""
    return text.split(",") if text.strip() else []
