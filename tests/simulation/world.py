"""Virtual time: events in order, nothing sleeps, and the store's clock may jump away from it."""

import heapq
import random
from collections.abc import Callable

from tests.conformance.clock import START_MS


class World:
    """t: milliseconds since the beginning. Whatever is by chance comes from one seed, so a seed is a whole history."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.t = 0
        self.offset = 0  # by how much the store's clock is off
        self.is_calm = False  # no faults any more: what is left shall end
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    def now_ms(self) -> int:
        """The store's clock."""
        return START_MS + self.t + self.offset

    def after(self, ms: int, event: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.t + max(1, ms), self._number, event))

    def between(self, low: int, high: int) -> int:
        return self.chance.randint(low, high)

    def happens(self, share: float) -> bool:
        """Whether a fault of this share comes about now."""
        return not self.is_calm and self.chance.random() < share

    def pass_by(self, ms: int) -> None:
        """Let time go by. Called within an event it lets others act before that event goes on."""
        until = self.t + ms
        while self._events and self._events[0][0] <= until:
            at, _, event = heapq.heappop(self._events)
            self.t = max(self.t, at)
            event()
        self.t = max(self.t, until)
