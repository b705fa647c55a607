"""Which queue a worker asks next.

Listed queues are asked in the order listed, so that the first is served as long as it has work; every eighth time the
one that was asked longest ago comes first, so that the last is never starved. Listed queues with weights get so many
jobs in proportion, as long as each has work. Queues that nobody listed take turns, and so do the partitions of one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..model.partition import queue_of

FAIR_EVERY: Final = 8
REST_S: Final = 1.0  # a queue found empty is asked again after this, wake-ups or not
IDLE_CALLS_A_SECOND: Final = 20  # with very many queues each rests longer, so that idle workers stay within this


@dataclass(slots=True)
class _Share:
    """What a queue has had, by its weight; its partitions have it together."""

    weight: int
    had: float = 0.0  # claims by weight, on a clock that all shares have in common


@dataclass(slots=True)
class _Queue:
    name: str
    rank: int  # its place among the listed
    share: _Share
    ask_at: float = 0.0  # when it may be asked; 0 is at once
    asked_at: float = 0.0
    has_more: bool = False  # it gave all it was asked for


class Rota:
    """Turns of the queues, by what each answered last. Times are seconds of one monotonic clock. Not thread-safe."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        is_ordered: bool,
        rest_s: float = REST_S,
        weights: Mapping[str, int] | None = None,
    ) -> None:
        self._is_ordered = is_ordered
        self._weights = weights or {}
        self._shares: dict[str, _Share] = {}
        self._served = 0.0  # how far the shares' clock is: who had nothing to do is owed nothing
        self._rest_s = rest_s
        self._queues: list[_Queue] = []
        self._turns = 0
        self.add(names)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(queue.name for queue in self._queues)

    def add(self, names: Iterable[str]) -> None:
        """Queues that have appeared."""
        ranks = {queue_of(queue.name): queue.rank for queue in self._queues}
        known = set(self.names)
        for name in names:
            if name not in known:
                known.add(name)
                whole = queue_of(name)
                share = self._shares.setdefault(whole, _Share(self._weights.get(whole, 1)))
                self._queues.append(_Queue(name, ranks.setdefault(whole, len(ranks)), share))

    def next(self, now: float, *, shut: Collection[str] = ()) -> str | None:
        """The queue to ask now; None when each was found empty a moment ago. shut: queues that may not have more."""
        ready = [queue for queue in self._open(shut) if queue.ask_at <= now]
        if not ready:
            return None
        if self._weights:
            return min(ready, key=lambda queue: (max(queue.share.had, self._served), queue.asked_at)).name
        is_fair_turn = not self._is_ordered or self._turns % FAIR_EVERY == FAIR_EVERY - 1
        return min(ready, key=lambda queue: (0 if is_fair_turn else queue.rank, queue.asked_at)).name

    def answered(self, name: str, now: float, *, has_more: bool, claimed: int = 0, due_at: float | None = None) -> None:
        """What a queue said when asked for claims. due_at: when a delayed job of it is due, if one is."""
        queue = self._named(name)
        if queue is None:
            return
        self._turns += 1
        if claimed:
            self._served = max(queue.share.had, self._served)
            queue.share.had = self._served + claimed / queue.share.weight
        queue.asked_at, queue.has_more = now, has_more
        queue.ask_at = 0.0 if has_more else now + max(self._rest_s, len(self._queues) / IDLE_CALLS_A_SECOND)
        if due_at is not None and not has_more:
            queue.ask_at = min(queue.ask_at, max(due_at, now))

    def rests(self, name: str, until: float) -> None:
        """Do not ask a queue before a time: it is paused."""
        queue = self._named(name)
        if queue is not None:
            queue.ask_at = until

    def wake(self, names: Collection[str] | None = None) -> None:
        """Something arrived in these queues, or nobody knows in which: they may be asked."""
        for queue in self._queues:
            if names is None or queue.name in names:
                queue.ask_at = 0.0

    def next_turn(self, *, shut: Collection[str] = ()) -> float:
        """When the soonest queue may be asked; infinity when none may."""
        return min((queue.ask_at for queue in self._open(shut)), default=math.inf)

    def _open(self, shut: Collection[str]) -> list[_Queue]:
        return [queue for queue in self._queues if queue_of(queue.name) not in shut] if shut else self._queues

    def _named(self, name: str) -> _Queue | None:
        return next((queue for queue in self._queues if queue.name == name), None)
