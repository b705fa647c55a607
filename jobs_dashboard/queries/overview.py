"""The overview: verdict, counters, the last hour, queues."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.states import State

from . import snapshot
from .chart import Chart, chart_of
from .queues import QueueRow, rows_of
from .verdict import Verdict, verdict_of

MAJOR = (State.PENDING, State.RUNNING, State.FAILED, State.DEAD)
MINOR = (State.SCHEDULED, State.HELD, State.COMPLETED, State.CANCELLED)


@dataclass(frozen=True)
class Counter:
    """How many jobs are in a state now."""

    state: State
    value: int
    is_minor: bool


@dataclass(frozen=True)
class Overview:
    verdict: Verdict
    counters: tuple[Counter, ...]
    chart: Chart
    queues: tuple[QueueRow, ...]
    processed: int
    failures: int

    @property
    def is_new(self) -> bool:
        """Nobody has enqueued anything yet."""
        return not self.queues


def overview() -> Overview:
    """What the store looked like about a second ago at most."""
    held = snapshot.current()
    return Overview(
        verdict=verdict_of(held),
        counters=tuple(Counter(state, held.total(state), is_minor=state in MINOR) for state in (*MAJOR, *MINOR)),
        chart=chart_of(held.minutes.values(), held.at_ms),
        queues=tuple(sorted(rows_of(held), key=lambda row: row.oldest_ms or held.at_ms)),
        processed=sum(queue.processed for queue in held.queues),
        failures=sum(queue.failures for queue in held.queues),
    )
