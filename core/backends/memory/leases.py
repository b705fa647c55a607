"""Leases in memory: extended, given back, and found when they have run out."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.outcome import CANCELLED_WHILE_RUNNING
from ...model.states import State
from ..contract import Note, Rescue
from .queue import MemoryQueue


def renew(queue: MemoryQueue, claims: Sequence[tuple[bytes, int]], until: int) -> list[bytes]:
    lost = []
    for raw, token in claims:
        record = queue.held(raw, token)
        if record is None:
            lost.append(raw)
        else:
            record.lease_until_ms = until
            queue.move(record, State.RUNNING, until)
    return lost


def release(queue: MemoryQueue, claims: Sequence[tuple[bytes, int]], now: int) -> int:
    released = 0
    for record in filter(None, (queue.held(raw, token) for raw, token in claims)):
        record.attempts -= 1
        if record.cancel_asked:
            record.cancel_asked, record.reason = False, CANCELLED_WHILE_RUNNING
            queue.place(record, State.CANCELLED, now, now)
        else:
            queue.move(record, State.PENDING, record.old_score)
        released += 1
    queue.refill(now)
    return released


def note(queue: MemoryQueue, notes: Sequence[Note]) -> list[bytes]:
    lost = []
    for each in notes:
        record = queue.held(each.raw, each.token)
        if record is None:
            lost.append(each.raw)
            continue
        record.progress = record.progress if each.progress is None else each.progress
        record.checkpoint = record.checkpoint if each.checkpoint is None else each.checkpoint
        record.log = record.log if each.log is None else each.log
    return lost


def rescue(queue: MemoryQueue, limit: int, lease_ms: int, now: int) -> Rescue:
    running, watch = queue.lines[State.RUNNING], queue.watch
    last, watch.last_ms = watch.last_ms, now
    jumped = bool(running) if last is None else not 0 <= now - last <= lease_ms // 2
    if jumped:
        watch.quiet_until_ms = now + lease_ms
        for until, raw in running.after(None):
            renew(queue, [(raw, queue.records[raw].token)], max(now, min(until, now + lease_ms)))
    if now < watch.quiet_until_ms:
        return Rescue(jumped, (), ())
    lost = [queue.records[raw] for _, raw in running.until(now, limit)]
    return Rescue(jumped, [record.as_claim() for record in lost], [record.worker for record in lost])
