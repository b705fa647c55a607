"""What waits to be settled, by queue, and when it is worth a call."""

from __future__ import annotations

from collections import deque
from typing import Final

from ..model.outcome import Outcome
from .attempt import Finished

GATHER_S: Final = 0.005  # settles wait this long for company while other handlers run


class Tray:
    """Used by the store thread only. most: how many outcomes one call takes."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._finished: dict[str, deque[Finished]] = {}
        self._strange: dict[str, list[Outcome]] = {}  # claims that nothing was started for
        self.gather_until = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._finished.values())) + sum(map(len, self._strange.values()))

    def add(self, finished: Finished, now: float) -> None:
        if not self._finished:
            self.gather_until = now + GATHER_S
        self._finished.setdefault(finished.attempt.claim.queue, deque()).append(finished)

    def add_strange(self, queue: str, outcome: Outcome) -> None:
        """An outcome without an attempt."""
        self._strange.setdefault(queue, []).append(outcome)

    def due(self, now: float, *, is_idle: bool) -> str | None:
        """The queue to settle now: half a call is full, company was waited for, or none will come."""
        if self._strange:
            return next(iter(self._strange))
        if not self._finished:
            return None
        queue, most = max(self._finished.items(), key=lambda item: len(item[1]))
        return queue if is_idle or now >= self.gather_until or 2 * len(most) >= self._most else None

    def take(self, queue: str) -> tuple[list[Finished], list[Outcome]]:
        """The oldest of a queue, as many as one call takes."""
        waiting = self._finished.get(queue, deque())
        taken = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
        if not waiting:
            self._finished.pop(queue, None)
        return taken, self._strange.pop(queue, [])
