"""What all verbs of the Redis store share: the link, the clock, and the list of queues."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

from ...model.clock import Clock
from .keys import Keys
from .link import Call, Link

T = TypeVar("T")

BATCH: Final = 200  # items of one script call: a server that works on one call does nothing else
_LISTED_SECONDS: Final = 60.0  # then a queue is listed again, in case the list was lost


class Verbs:
    """The ground of each part of the contract."""

    def __init__(self, link: Link, keys: Keys, clock: Clock | None) -> None:
        self._link = link
        self._keys = keys
        self._clock = clock
        self._listed: dict[str, float] = {}

    def _run(self, script: str, queue: str, *arguments: Any) -> Any:
        return self._link.run(script, queue, self._time(), *arguments)

    def _time(self) -> int | str:
        """What a script is told about the time: nothing, unless the store was opened with a clock."""
        return "" if self._clock is None else self._clock.now_ms()

    def _run_listed(self, script: str, queue: str, *arguments: Any) -> Any:
        """A script that may make a queue, and its place on the list, in one trip."""
        now = self._time()
        calls = [Call("list", "", (now, queue)), Call(script, queue, (now, *arguments))]
        return self._link.run_all(calls)[1]

    def _is_listed(self, queue: str) -> bool:
        return time.monotonic() - self._listed.get(queue, -_LISTED_SECONDS) < _LISTED_SECONDS

    def _note_listed(self, queue: str) -> None:
        self._listed[queue] = time.monotonic()

    def _queue_names(self) -> list[str]:
        return sorted(name.decode() for name in self._link.command("SMEMBERS", self._keys.of_store("queues")))


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
