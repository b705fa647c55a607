"""Leases: extended, given back, and found when they have run out."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.job import pending_score
from ...model.outcome import CANCELLED_WHILE_RUNNING
from ...model.states import State
from ..contract import Note, Rescue
from ..sql.codec import CODES, ClaimRow
from . import gates
from .settle import Running, let_go, running_among
from .statements import SQL
from .transaction import QueueRow, Transaction

Held = Sequence[tuple[bytes, int]]


def renew(tx: Transaction, name: str, claims: Held, lease_ms: int) -> list[bytes]:
    """Extend leases; answers the raw ids that are no longer theirs."""
    queue = tx.find_queue(name)
    held = _held(tx, queue, claims) if queue else []
    tx.db.executemany(SQL["renew"], [(tx.now_ms + lease_ms, job.id) for job in held])
    kept = {(job.raw, job.token) for job in held}
    return [raw for raw, token in claims if (raw, token) not in kept]


def release(tx: Transaction, name: str, claims: Held) -> int:
    """Put unstarted claims back where they stood; one that was asked to stop meanwhile is cancelled."""
    queue = tx.find_queue(name)
    if queue is None:
        return 0
    rows = []
    for job in _held(tx, queue, claims):
        if job.cancel_asked:
            state, score, reason = State.CANCELLED, tx.now_ms, CANCELLED_WHILE_RUNNING
        else:
            state, score, reason = State.PENDING, pending_score(job.priority, job.ready_ms), None
        rows.append((CODES[state], score, reason, job.id))
        if job.has_passed or job.unique_key:
            let_go(tx, queue, job, state)
        queue.left(State.RUNNING)
        queue.arrived(state)
    tx.db.executemany(SQL["release"], rows)
    gates.refill(tx, queue)
    return len(rows)


def note(tx: Transaction, name: str, notes: Sequence[Note]) -> list[bytes]:
    """Keep what running handlers leave; answers the raw ids whose claims are no longer theirs."""
    queue = tx.find_queue(name)
    running = running_among(tx, queue, [each.raw for each in notes]) if queue else {}
    rows, first, lost = [], [], []
    for each in notes:
        job = running.get(each.raw)
        if job is None or job.token != each.token:
            lost.append(each.raw)
            continue
        rows.append((job.id, each.progress, each.checkpoint, each.log))
        if not job.has_note:
            first.append((job.id,))
    tx.db.executemany(SQL["note_save"], rows)
    tx.db.executemany(SQL["noted"], first)
    return lost


def rescue(tx: Transaction, name: str, limit: int, lease_ms: int) -> Rescue:
    """See Work.rescue: a jump of the clock is not a mass death."""
    queue = tx.queue(name)  # made if need be: its first pass is remembered
    jumped = _has_jumped(queue, tx.now_ms, lease_ms)
    queue.rescued_ms = tx.now_ms
    if jumped:
        queue.quarantine_ms = tx.now_ms + lease_ms
        bounds = (tx.now_ms, queue.quarantine_ms)
        tx.db.execute(SQL["clamp"], (*bounds, queue.id, *bounds))
    if tx.now_ms < queue.quarantine_ms:
        return Rescue(jumped, (), ())
    found = tx.db.execute(SQL["expired"], (queue.id, tx.now_ms, limit)).fetchall()
    claims = [ClaimRow._make(row[1:]).as_claim(name) for row in found]
    return Rescue(jumped, claims, [row[0] for row in found])


def _has_jumped(queue: QueueRow, now_ms: int, lease_ms: int) -> bool:
    if queue.rescued_ms is None:  # the first pass cannot know: careful only if there is something to lose
        return queue.holds(State.RUNNING) > 0
    return not 0 <= now_ms - queue.rescued_ms <= lease_ms // 2


def _held(tx: Transaction, queue: QueueRow, claims: Held) -> list[Running]:
    """The running jobs that are still claimed under the tokens given, each once."""
    running = running_among(tx, queue, [raw for raw, _ in claims])
    tokens = dict(claims)
    return [job for job in running.values() if tokens[job.raw] == job.token]
