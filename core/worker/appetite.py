"""How many claims a worker asks for, and when those it holds unstarted are better given back."""

from __future__ import annotations

from typing import Final

from .pace import Pace
from .slots import Slots

STALL_S: Final = 0.25  # claims that waited this long behind busy slots go back to the store


class Appetite:
    """Watches the slots for the store thread. most: claims of one call."""

    def __init__(self, slots: Slots, *, most: int) -> None:
        self._slots = slots
        self._most = most
        self._pace = Pace(slots=slots.limit, most=most)
        self._seen_starts = 0
        self._progressed = 0.0

    def wanted(self) -> int:
        """What can start now, and the buffer once it is half used."""
        slots = self._slots
        if slots.written_off or slots.waiting > self.low_mark:
            return 0
        want = slots.limit + self._pace.buffer - slots.busy - slots.waiting
        return max(0, min(want, self._most, slots.free_entries))

    @property
    def low_mark(self) -> int:
        """At this many unstarted claims more are wanted."""
        return self._pace.buffer // 2

    def exchanged(self, trip_s: float) -> None:
        """A store call took this long."""
        self._pace.exchanged(trip_s)

    def ran(self, mean_s: float) -> None:
        """Settled jobs ran this long on average."""
        self._pace.ran(mean_s)

    def took_in(self, now: float) -> None:
        """Claims came in: from here on it counts how long they wait."""
        self._progressed = now

    def must_give_back(self, now: float) -> bool:
        """Whether unstarted claims wait in vain: every slot has been busy for a while, or will not be free again."""
        slots = self._slots
        if slots.starts != self._seen_starts or not slots.waiting:
            self._seen_starts, self._progressed = slots.starts, now
            return bool(slots.waiting and slots.written_off)
        if now < self.stalls_at:
            return bool(slots.written_off)
        self._pace.stalled()
        return True

    @property
    def stalls_at(self) -> float:
        """When unstarted claims will have waited too long, unless one starts before."""
        return self._progressed + STALL_S
