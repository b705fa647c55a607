"""The hot verb: settle a batch, promote what is due, claim what is wanted, in one transaction."""

from __future__ import annotations

from ...model.job import Claim, pending_score
from ...model.limits import PROMOTED_PER_EXCHANGE
from ...model.states import State
from ..contract import Exchange, ExchangeReply
from ..sql.codec import CODES, ClaimRow, pack_list, unpack_list
from . import gates
from .claims import claim
from .settle import settle_all
from .statements import SQL
from .transaction import QueueRow, Transaction

_WAITING = (State.SCHEDULED, State.FAILED)


def exchange(tx: Transaction, call: Exchange) -> ExchangeReply:
    """Act once a call: the last one again gets its answer again, one before it is refused."""
    queue = tx.queue(call.queue)
    refused: list[bytes] = []
    claims: list[Claim] = []
    last = tx.db.execute(SQL["reply_find"], (call.worker, queue.id)).fetchone()
    if last is None or call.call > last[0]:
        refused = settle_all(tx, queue, call)
        _promote(tx, queue)
        before = queue.last_token
        claims = [] if queue.is_paused else claim(tx, queue, call)
        gates.refill(tx, queue)
        tokens = (before + 1, queue.last_token)
        tx.db.execute(SQL["reply_save"], (call.worker, queue.id, call.call, pack_list(refused), *tokens, tx.now_ms))
    elif call.call == last[0]:
        refused, claims = unpack_list(last[1]), _claims_again(tx, queue, call.worker, last[2], last[3])
    return ExchangeReply(
        refused=refused,
        claims=claims,
        asked_to_cancel=[raw for (raw,) in tx.db.execute(SQL["asked"], (queue.id, call.worker))],
        next_due_ms=_next_due(tx, queue),
        is_paused=bool(queue.is_paused),
        now_ms=tx.now_ms,
        awaited=gates.awaited_tasks(tx, queue),
    )


def _promote(tx: Transaction, queue: QueueRow) -> None:
    """Due jobs join the line as of the time they were due, soonest first."""
    due = [
        (*row, state)
        for state in _WAITING
        if queue.holds(state)
        for row in tx.db.execute(SQL["due"], (queue.id, CODES[state], tx.now_ms, PROMOTED_PER_EXCHANGE))
    ]
    rows = []
    for due_ms, _raw, id, priority, state in sorted(due)[:PROMOTED_PER_EXCHANGE]:
        rows.append((pending_score(priority, due_ms), due_ms, id))
        queue.left(state)
    tx.db.executemany(SQL["promote"], rows)
    queue.arrived(State.PENDING, len(rows))


def _claims_again(tx: Transaction, queue: QueueRow, worker: str, first: int, last: int) -> list[Claim]:
    """Those of a call that were not settled, taken back or rescued since."""
    if last < first:
        return []
    rows = tx.db.execute(SQL["claimed"], (queue.id, worker, first, last))
    return [ClaimRow._make(row).as_claim(queue.name) for row in rows]


def _next_due(tx: Transaction, queue: QueueRow) -> int:
    states = [CODES[state] for state in _WAITING if queue.holds(state)]
    heads = [tx.db.execute(SQL["next_due"], (queue.id, state)).fetchone() for state in states]
    opening = 0 if queue.is_paused else gates.next_opening(tx, queue)
    return min((due for due in (*(head[0] for head in heads), opening) if due), default=0)
