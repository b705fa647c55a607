"""Deleting what is no longer kept, a bounded chunk at a time."""

from __future__ import annotations

from ...model.clock import as_ms
from ...model.minutes import minute_of
from ...model.retention import Retention
from ...model.states import FINAL, State
from ..sql.codec import CODES, unpack_gate
from . import gates, keys
from .register import forget
from .statements import SQL
from .transaction import QueueRow, Transaction

_HOUR_MS = 3_600_000
_TRIMMED = (State.COMPLETED, State.CANCELLED, State.DEAD)
_CHUNK = 1_000  # of what is cheaper than jobs


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
        tx.db.execute(SQL["journal_trim"], (*place, *place, entries, max(limit, _CHUNK)))
    tx.db.execute(SQL["minute_trim"], (queue.id, minute_of(tx.now_ms - as_ms(retention.minutes))))
    tx.db.execute(SQL["key_trim"], (queue.id, queue.id, tx.now_ms, max(limit, _CHUNK)))
    tx.db.execute(SQL["gate_trim"], (queue.id, queue.id, tx.now_ms * 1000, max(limit, _CHUNK)))
    return gone


def drop_surplus(tx: Transaction, queue: QueueRow, state: State, *, keep: int, limit: int) -> int:
    """Delete the oldest of a final state beyond the newest `keep` (0: keep all); answers how many."""
    surplus = min(queue.holds(state) - keep, limit) if keep else 0
    return _drop(tx, queue, state, "drop_surplus", (surplus,)) if surplus > 0 else 0


def drop_before(tx: Transaction, queue: QueueRow, state: State, *, before_ms: int, limit: int) -> int:
    """Delete jobs of a state that finished (live ones: were enqueued) before a time; answers how many."""
    if limit <= 0 or not queue.holds(state):
        return 0
    if state in FINAL:
        return _drop(tx, queue, state, "drop_finished", (before_ms, limit))
    rows = tx.db.execute(SQL["waiting_before"], (queue.id, CODES[state], before_ms, limit)).fetchall()
    for id, raw, key, gate, has_passed, held_at in rows:
        keys.take_back(tx, queue, key, raw)
        gates.leave(tx, queue, unpack_gate(gate), has_passed, held_at)
        tx.db.execute(SQL["job_drop"], (id,))
    queue.left(state, len(rows))
    return len(rows)


def _drop(tx: Transaction, queue: QueueRow, state: State, statement: str, bounds: tuple[int, ...]) -> int:
    gone = tx.db.execute(SQL[statement], (queue.id, CODES[state], *bounds)).rowcount
    queue.left(state, gone)
    return gone
