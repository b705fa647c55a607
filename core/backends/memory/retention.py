"""What a queue in memory no longer keeps."""

from __future__ import annotations

from ...model.minutes import minute_of
from ...model.retention import Retention
from ...model.states import State
from .control import purge
from .queue import MemoryQueue

_HOUR_MS = 3_600_000


def trim(queue: MemoryQueue, retention: Retention, limit: int, now: int) -> int:
    gone = 0
    for state in (State.COMPLETED, State.CANCELLED, State.DEAD):
        keep = retention.of(state)
        gone += trim_beyond(queue, state, keep.count, limit - gone)
        gone += purge(queue, state, now - keep.age_ms, limit - gone)
    queue.journals["failures"].keep(retention.failure_entries)
    queue.journals["completed"].keep(retention.completed_entries)
    oldest = minute_of(now - int(retention.minutes.total_seconds() * 1000))
    queue.minutes = {minute: sums for minute, sums in queue.minutes.items() if minute >= oldest}
    queue.keys.forget_expired(now)
    queue.gates.forget_idle(now)
    queue.replies = {worker: reply for worker, reply in queue.replies.items() if reply.at_ms > now - _HOUR_MS}
    return gone


def trim_beyond(queue: MemoryQueue, state: State, keep: int, limit: int) -> int:
    """Delete the oldest of a state beyond the newest `keep`; 0 keeps them all."""
    surplus = max(0, min(len(queue.lines[state]) - keep, limit)) if keep else 0
    for _, raw in queue.lines[state].first(surplus):
        queue.delete(queue.records[raw])
    return surplus
