"""Claiming: the head of the line goes to a worker; who finds its gate closed steps out of the line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from ...model.job import Claim
from ...model.limits import TURNED_AWAY_PER_EXCHANGE
from ...model.states import State
from ..contract import Exchange
from ..sql.codec import unpack_gate
from . import gates, keys
from .statements import SQL
from .transaction import QueueRow, Transaction

Row = Sequence[Any]
_GATE = 16


def claim(tx: Transaction, queue: QueueRow, call: Exchange) -> list[Claim]:
    """Up to as many as are wanted, in run order."""
    gates.let_through(tx, queue, call)
    claims: list[Claim] = []
    left = TURNED_AWAY_PER_EXCHANGE  # to be turned away, before a claim gives up
    while len(claims) < call.want and left and queue.holds(State.PENDING):
        spare = left if left < TURNED_AWAY_PER_EXCHANGE else 0  # nobody is looked at in vain until somebody was
        comers, away = _look(tx, queue, call.want - len(claims), spare=spare, left=left)
        claims += _hand_out(tx, queue, call, comers)
        _turn_away(tx, queue, away)
        left -= len(away)
        if not away:
            break  # those who came in are as many as wanted, or all there are
    return claims


def _look(tx: Transaction, queue: QueueRow, want: int, *, spare: int, left: int) -> tuple[list[Row], list[Row]]:
    """Those at the head of the line who may be claimed, and those who are to wait at their gate."""
    comers: list[Row] = []  # the columns of claimable
    away: list[Row] = []  # the columns of hold
    with closing(tx.db.execute(SQL["claimable"], (queue.id, want + spare))) as line:
        for row in line:
            gate = unpack_gate(row[_GATE])
            if gate is None or gates.passes(tx, queue, gate):
                comers.append(row)
            else:
                away.append((tx.now_ms, gate.name, row[0]))
            if len(comers) == want or len(away) == left:
                break
    return comers, away


def _hand_out(tx: Transaction, queue: QueueRow, call: Exchange, rows: Sequence[Row]) -> list[Claim]:
    lease_until_ms = tx.now_ms + call.lease_ms
    claims, moves, passed = [], [], []
    for row in rows:
        id, raw, _, task, arguments, options, priority, max_attempts, attempts, forgiven, losses = row[:11]
        enqueued_ms, ready_ms, _, crashes, checkpoint, gate, key, unique_for = row[11:]
        queue.last_token += 1
        moves.append((lease_until_ms, queue.last_token, call.worker, tx.now_ms, id))
        claims.append(
            Claim(
                queue.name, raw, queue.last_token, task, arguments, options, priority, max_attempts, attempts + 1,
                forgiven, losses, enqueued_ms, ready_ms, tx.now_ms, crashes, checkpoint or b"",
            )
        )  # fmt: skip
        if gate is not None:
            passed.append((id,))
        if key and State.RUNNING in keys.FREED_IN[unique_for]:
            keys.take_back(tx, queue, key, raw)
    tx.db.executemany(SQL["claim"], moves)
    tx.db.executemany(SQL["pass"], passed)
    queue.left(State.PENDING, len(moves))
    queue.arrived(State.RUNNING, len(moves))
    return claims


def _turn_away(tx: Transaction, queue: QueueRow, rows: Sequence[Row]) -> None:
    tx.db.executemany(SQL["hold"], rows)
    queue.left(State.PENDING, len(rows))
    queue.arrived(State.HELD, len(rows))
