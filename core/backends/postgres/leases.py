"""Leases: extended, given back, and found when they have run out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model.states import State
from ..contract import Rescue
from ..sql.codec import STATES
from .gates import Gates
from .notes import claims_of
from .transaction import Transaction

Held = Sequence[tuple[bytes, int]]


def renew(tx: Transaction, name: str, claims: Held, lease_ms: int) -> list[bytes]:
    """Extend leases; answers the raw ids that are no longer theirs."""
    queue = tx.find_queue(name)
    if queue is None or not claims:
        return [raw for raw, _ in claims]
    rows = tx.all("renew", queue=queue, until=tx.now_ms + lease_ms, **_columns(claims))
    kept = {(raw, token) for raw, token in rows}
    return [raw for raw, token in claims if (raw, token) not in kept]


def release(tx: Transaction, name: str, claims: Held) -> int:
    """Put unstarted claims back where they stood; one that was asked to stop meanwhile is cancelled."""
    queue = tx.find_queue(name)
    if queue is None or not claims:
        return 0
    rows = tx.all("release", queue=queue, now=tx.now_ms, **_columns(claims))
    gates = Gates(tx, queue, name)
    for code, gate in rows:
        tx.left(queue, State.RUNNING)
        tx.arrived(queue, STATES[code])
        gates.freed(gate)
    gates.settle()
    if rows:
        tx.ring(name)
    return len(rows)


def rescue(tx: Transaction, name: str, limit: int, lease_ms: int) -> Rescue:
    """See Work.rescue: a jump of the clock is not a mass death. The time is asked after the lock was waited for."""
    queue = tx.queue(name)  # made if need be: its first pass is remembered
    rescued_ms, quarantine_ms, is_running = tx.one("rescue_begin", queue=queue)
    jumped = _has_jumped(rescued_ms, tx.now_ms, lease_ms, is_running=is_running)
    if jumped:
        quarantine_ms = tx.now_ms + lease_ms
        tx.run("clamp", queue=queue, now=tx.now_ms, until=quarantine_ms)
    tx.run("rescue_end", queue=queue, now=tx.now_ms, quarantine_ms=quarantine_ms)
    if tx.now_ms < quarantine_ms:
        return Rescue(jumped, (), ())
    found = tx.all("expired", queue=queue, now=tx.now_ms, limit=limit)
    return Rescue(jumped, claims_of(tx, queue, name, found), [row[0] for row in found])


def _has_jumped(rescued_ms: int | None, now_ms: int, lease_ms: int, *, is_running: bool) -> bool:
    if rescued_ms is None:  # the first pass cannot know: careful only if there is something to lose
        return is_running
    return not 0 <= now_ms - rescued_ms <= lease_ms // 2


def _columns(claims: Held) -> dict[str, Any]:
    """Each claim once."""
    once = dict.fromkeys(claims)
    return {"raw": [raw for raw, _ in once], "token": [token for _, token in once]}
