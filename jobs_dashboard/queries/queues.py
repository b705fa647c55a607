"""Queues in numbers: what each holds, how fast it moves, who serves it."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import JobNotFound
from core.model.minutes import MINUTE_MS, minute_of
from core.model.states import State

from . import snapshot
from .chart import Chart, chart_of, total
from .jobs import Tab, tabs
from .snapshot import CHART_MINUTES, Snapshot, serves
from .workers import WorkerRow, worker_rows

RATE_MINUTES = 5
SPARK_STEP = 2


@dataclass(frozen=True)
class QueueRow:
    """One queue as a line. rate: attempts completed a minute, over the last five minutes, the running one included."""

    name: str
    pending: int
    running: int
    failed: int
    dead: int
    later: int
    oldest_ms: int
    rate: float
    failing: int
    spark: str
    slots: int
    has_workers: bool
    is_paused: bool
    paused_reason: str
    paused_ms: int

    @property
    def rate_words(self) -> str:
        return f"{self.rate:,.0f}" if self.rate >= 10 else f"{self.rate:.1f}".replace("0.0", "0")


@dataclass(frozen=True)
class QueueDetail:
    row: QueueRow
    tabs: tuple[Tab, ...]
    chart: Chart
    workers: tuple[WorkerRow, ...]
    processed: int
    failures: int
    last_processed_ms: int


def queue_rows() -> tuple[QueueRow, ...]:
    return rows_of(snapshot.current())


def queue_detail(name: str) -> QueueDetail:
    """One queue. Raises JobNotFound when nothing was ever in it."""
    held = snapshot.current()
    counted = held.queue(name)
    if counted is None:
        raise JobNotFound(f"no queue is called {name!r}: nothing was ever enqueued to it")
    [row] = [row for row in rows_of(held) if row.name == name]
    serving = [row for row in worker_rows(held) if not row.queues or name in row.queues]
    return QueueDetail(
        row=row,
        tabs=tabs(None, name),
        chart=chart_of([held.minutes[name]], held.at_ms),
        workers=tuple(worker for worker in serving if worker.role == "worker" and not worker.is_stale),
        processed=counted.processed,
        failures=counted.failures,
        last_processed_ms=counted.last_processed_ms,
    )


def rows_of(held: Snapshot) -> tuple[QueueRow, ...]:
    return tuple(_row(held, name) for name in sorted(queue.queue for queue in held.queues))


def _row(held: Snapshot, name: str) -> QueueRow:
    counted = held.queue(name)
    assert counted is not None
    serving = [worker for worker in held.live_workers if serves(worker, name)]
    minutes = held.minutes.get(name, {})
    last = minute_of(held.at_ms)
    recent = range(last - RATE_MINUTES + 1, last + 1)
    span = RATE_MINUTES - 1 + held.at_ms % MINUTE_MS / MINUTE_MS
    states = counted.states
    return QueueRow(
        name=name,
        pending=states.get(State.PENDING, 0),
        running=states.get(State.RUNNING, 0),
        failed=states.get(State.FAILED, 0),
        dead=states.get(State.DEAD, 0),
        later=states.get(State.SCHEDULED, 0) + states.get(State.HELD, 0),
        oldest_ms=counted.oldest_pending_ms,
        rate=sum(total([minutes], minute, ("completed",)) for minute in recent) / span,
        failing=sum(total([minutes], minute, ("failed", "dead")) for minute in recent),
        spark=_spark([total([minutes], minute, ("completed",)) for minute in _hour(last)]),
        slots=sum(worker.slots for worker in serving),
        has_workers=bool(serving),
        is_paused=counted.is_paused,
        paused_reason=counted.paused_reason,
        paused_ms=counted.paused_ms,
    )


def _hour(last: int) -> range:
    return range(last - CHART_MINUTES + 1, last + 1)


def _spark(values: list[int]) -> str:
    """The points of a sparkline 20 high; empty when nothing happened."""
    top = max(values)
    if not top:
        return ""
    return " ".join(f"{at * SPARK_STEP},{round(19 - value / top * 18, 1)}" for at, value in enumerate(values))
