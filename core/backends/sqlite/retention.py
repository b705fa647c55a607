"""Deleting what is no longer kept, a bounded chunk at a time."""

from __future__ import annotations

from ...model.clock import as_ms
from ...model.minutes import minute_of
from ...model.retention import Retention
from ...model.states import FINAL, State
from ..sql.codec import CODES
from .register import forget
from .statements import SQL
from .transaction import QueueRow, Transaction

_HOUR_MS = 3_600_000
_TRIMMED = (State.COMPLETED, State.CANCELLED, State.DEAD)
_JOURNAL_CHUNK = 1_000


def trim(tx: Transaction, name: str, retention: Retention, limit: int) -> int:
    """See Work.trim; also forgets workers that have been silent for an hour, whatever the queue."""
    for (worker,) in tx.db.execute(SQL["worker_stale"], (tx.now_ms - _HOUR_MS,)).fetchall():
        forget(tx, worker)
    tx.db.execute(SQL["reply_trim"], (tx.now_ms - _HOUR_MS,))
    queue = tx.find_queue(name)
    if queue is None:
        return 0
    gone = 0
    for state in _TRIMMED:
        keep = retention.of(state)
        gone += drop_surplus(tx, queue, state, keep=keep.count, limit=limit - gone)
        gone += drop_before(tx, queue, state, before_ms=tx.now_ms - keep.age_ms, limit=limit - gone)
    kept = {"failures": retention.failure_entries, "completed": retention.completed_entries}
    for stream, entries in kept.items():
        place = (queue.id, stream)
        tx.db.execute(SQL["journal_trim"], (*place, *place, entries, max(limit, _JOURNAL_CHUNK)))
    tx.db.execute(SQL["minute_trim"], (queue.id, minute_of(tx.now_ms - as_ms(retention.minutes))))
    return gone


def drop_surplus(tx: Transaction, queue: QueueRow, state: State, *, keep: int, limit: int) -> int:
    """Delete the oldest of a final state beyond the newest `keep` (0: keep all); answers how many."""
    surplus = min(queue.holds(state) - keep, limit) if keep else 0
    return _drop(tx, queue, state, "drop_surplus", (surplus,)) if surplus > 0 else 0


def drop_before(tx: Transaction, queue: QueueRow, state: State, *, before_ms: int, limit: int) -> int:
    """Delete jobs of a state that finished (live ones: were enqueued) before a time; answers how many."""
    if limit <= 0 or not queue.holds(state):
        return 0
    statement = "drop_finished" if state in FINAL else "drop_waiting"
    return _drop(tx, queue, state, statement, (before_ms, limit))


def _drop(tx: Transaction, queue: QueueRow, state: State, statement: str, bounds: tuple[int, ...]) -> int:
    gone = tx.db.execute(SQL[statement], (queue.id, CODES[state], *bounds)).rowcount
    queue.left(state, gone)
    return gone
