"""When a burst is over: nothing is pending or running in the queues it serves. What is due later does not keep it."""

from __future__ import annotations

from collections.abc import Sequence

from ..backends.contract import QueueCounts
from ..model.states import State


def has_work(counts: Sequence[QueueCounts], names: Sequence[str]) -> bool:
    """Whether one of these queues has jobs that run, or that may be claimed; a paused queue gives none."""
    return any(_has_work(count) for count in counts if count.queue in names)


def _has_work(count: QueueCounts) -> bool:
    is_waiting = count.states.get(State.PENDING, 0) > 0 and not count.is_paused
    return is_waiting or count.states.get(State.RUNNING, 0) > 0
