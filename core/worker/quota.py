"""How many jobs of some queues a worker holds, against how many it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from ..model.partition import queue_of


class Quota:
    """Used by the store thread only. most: jobs at once, by queue, its partitions together.

    A claim counts from the call that brought it, so of a queue with a bound nothing is claimed ahead.
    """

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    @property
    def shut(self) -> Collection[str]:
        """Queues that may not have more now."""
        return [queue for queue, most in self._most.items() if self._held[queue] >= most]

    def room(self, name: str, want: int) -> int:
        """How many of the wanted claims a queue may give."""
        queue = queue_of(name)
        most = self._most.get(queue)
        return want if most is None else max(0, min(want, most - self._held[queue]))

    def took(self, name: str, count: int) -> None:
        if self._most:
            self._held[queue_of(name)] += count

    def let_go(self, name: str) -> None:
        if self._most:
            self._held[queue_of(name)] -= 1
