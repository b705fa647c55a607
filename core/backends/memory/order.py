"""A sorted line of jobs: what a ZSET is to Redis and an index to SQL."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

Place = tuple[int, bytes]  # score, raw id


class Line:
    """Places in ascending order; insertion is a memory move, which is fast enough for one process."""

    def __init__(self) -> None:
        self._places: list[Place] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, place: Place) -> None:
        insort(self._places, place)

    def remove(self, place: Place) -> None:
        at = bisect_left(self._places, place)
        assert self._places[at] == place, "a line has lost a job"
        del self._places[at]

    def first(self, count: int) -> list[Place]:
        return self._places[:count]

    def until(self, score: int, count: int) -> list[Place]:
        """The first places with at most this score."""
        return self._places[: min(count, bisect_left(self._places, (score + 1, b"")))]

    def after(self, place: Place | None) -> list[Place]:
        """Everything behind a place, which need not be there."""
        return self._places[:] if place is None else self._places[bisect_right(self._places, place) :]

    def before(self, place: Place | None) -> list[Place]:
        """Everything ahead of a place, nearest first."""
        ahead = self._places[:] if place is None else self._places[: bisect_left(self._places, place)]
        return ahead[::-1]

    def walk(self, place: Place | None, *, descending: bool) -> Iterator[Place]:
        """One after the other behind a place (descending: ahead of it, nearest first), however many there are; the line
        must not change meanwhile."""
        if descending:
            at = len(self._places) if place is None else bisect_left(self._places, place)
            return (self._places[index] for index in range(at - 1, -1, -1))
        at = 0 if place is None else bisect_right(self._places, place)
        return (self._places[index] for index in range(at, len(self._places)))
