"""Deleting what is no longer kept, a bounded chunk at a time."""

from __future__ import annotations

from typing import Final

from ...model.clock import as_ms
from ...model.minutes import minute_of
from ...model.retention import Retention
from ...model.states import State
from ..sql.codec import CODES
from .gates import Gates, forget_idle
from .notes import forget_notes
from .register import forget
from .transaction import Transaction

_HOUR_MS: Final = 3_600_000
_TRIMMED: Final = (State.COMPLETED, State.CANCELLED, State.DEAD)
_COUNTED: Final = (State.COMPLETED, State.DEAD, State.CANCELLED)  # the columns of trim_surplus
_ENQUEUED: Final = (State.PENDING, State.SCHEDULED, State.HELD)  # the columns of counter_fold
_JOURNAL_CHUNK: Final = 1_000
_KEYS_AT_ONCE: Final = 1_000
_SLOTS_AT_ONCE: Final = 10_000
_BEHIND_ALL_MS: Final = (1 << 63) - 1


def trim(tx: Transaction, name: str, retention: Retention, limit: int) -> int:
    """See Work.trim; also forgets workers that have been silent for an hour, whatever the queue."""
    for (worker,) in tx.all("worker_stale", before=tx.now_ms - _HOUR_MS):
        forget(tx, worker)
    tx.run("reply_trim", before=tx.now_ms - _HOUR_MS)
    queue = tx.find_queue(name)
    if queue is None:
        return 0
    _fold_counters(tx, name, queue)
    gone = 0
    for state in _TRIMMED:
        keep = retention.of(state)
        gone += drop_surplus(tx, queue, state, keep=keep.count, limit=limit - gone)
        gone += drop_finished(tx, queue, state, before_ms=tx.now_ms - keep.age_ms, limit=limit - gone)
    kept = {"failures": retention.failure_entries, "completed": retention.completed_entries}
    for stream, entries in kept.items():
        tx.run("journal_trim", queue=queue, stream=stream, keep=entries, limit=max(limit, _JOURNAL_CHUNK))
    tx.run("minute_trim", queue=queue, before=minute_of(tx.now_ms - as_ms(retention.minutes)))
    tx.run("key_trim", queue=queue, now=tx.now_ms, limit=max(limit, _KEYS_AT_ONCE))
    forget_idle(tx, queue, name)
    return gone


def drop_surplus(tx: Transaction, queue: int, state: State, *, keep: int, limit: int) -> int:
    """Delete the oldest of a final state beyond the newest `keep` (0: keep all), unless another is at it."""
    if limit <= 0 or not keep:
        return 0
    with tx.together():
        turn = tx.run("trim_begin", queue=queue)
        sums = tx.run("trim_surplus", queue=queue)
    if turn.fetchone() is None:
        return 0
    held = dict(zip(_COUNTED, sums.fetchall()[0], strict=True))[state]
    surplus = min(held + tx.change_of(queue, state) - keep, limit)
    return drop_finished(tx, queue, state, before_ms=_BEHIND_ALL_MS, limit=surplus)


def drop_finished(tx: Transaction, queue: int, state: State, *, before_ms: int, limit: int) -> int:
    """Delete jobs of a final state that finished before a time; answers how many."""
    if limit <= 0:
        return 0
    gone = tx.all("drop_finished", queue=queue, state=CODES[state], before=before_ms, limit=limit)
    tx.left(queue, state, len(gone))
    forget_notes(tx, queue, (noted for (noted,) in gone))
    return len(gone)


def drop_waiting(tx: Transaction, queue: int, name: str, state: State, *, before_ms: int, limit: int) -> int:
    """Delete jobs of a live state that were enqueued before a time; answers how many."""
    parts = {"state": CODES[state]}
    gone = tx.run_filled("drop_waiting", parts, queue=queue, before=before_ms, limit=max(0, limit)).fetchall()
    tx.left(queue, state, len(gone))
    forget_notes(tx, queue, (noted for *_, noted in gone))
    gates = Gates(tx, queue, name)
    for passed, held_at, _ in gone:
        gates.freed(passed)
        gates.changed(held_at)
    gates.settle()
    return len(gone)


def _fold_counters(tx: Transaction, name: str, queue: int) -> None:
    """Each connection that ever enqueued in a transaction of its own has left a row."""
    rows, *sums = tx.one("counter_fold", queue=queue, limit=_SLOTS_AT_ONCE)
    if rows:
        tx.queue(name, is_known=True)
        for state, number in zip(_ENQUEUED, sums, strict=True):
            tx.arrived(queue, state, number)
