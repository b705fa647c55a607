"""Claiming: the head of the line, or what passes its gates of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from psycopg import Cursor

from ...model.gate import Gate, task_gate
from ...model.job import Claim
from ...model.limits import TURNED_AWAY_PER_EXCHANGE
from ...model.states import State
from ..contract import Exchange
from ..sql.codec import unpack_gate
from .gates import Gates, due
from .notes import claims_of
from .transaction import Transaction

Head: TypeAlias = Cursor[tuple[Any, ...]]
_Place = tuple[int, bytes, Gate | None]  # score, raw, the gate that it has yet to pass
_AHEAD_OF_ALL = (-1, b"")


def ask_head(tx: Transaction, queue: int, call: Exchange) -> Head:
    """Claim the head of the line in one statement; none of it when one there has to pass a gate first."""
    values = {"want": call.want, "worker": call.worker, "lease_ms": call.lease_ms}
    return tx.run("claim", queue=queue, now=tx.now_ms, **values)


def claim(tx: Transaction, queue: int, call: Exchange, gates: Gates, *, is_due: bool, head: Head | None) -> list[Claim]:
    """Claim what is wanted: in one statement, unless gates have to do with it. is_due: one of them may open now. head:
    that statement's answer, where it was asked before, since no gate could have to do with it."""
    if head is not None:
        return _counted(tx, queue, in_line(tx, queue, call.queue, head.fetchall()))
    for name in due(tx, queue) if is_due else ():
        gates.changed(name)
    for task in call.serve:
        gates.changed(task_gate(task))
    claims = _claim_head(tx, queue, call) if gates.is_idle else []
    if claims or (gates.is_idle and not tx.has_gates(call.queue)):
        return claims
    line = _line(tx, queue, _AHEAD_OF_ALL, call.want)
    comers = _comers(line)
    if gates.is_idle and not comers:
        return []
    gates.take(comers)
    if gates.let_through(call.serve, call.want):
        line = _line(tx, queue, _AHEAD_OF_ALL, call.want)
    claims = _claim_named(tx, queue, call, _walk(tx, queue, call.want, gates, line))
    gates.refill()
    gates.save()
    return claims


def in_line(tx: Transaction, queue: int, name: str, rows: Sequence[tuple[Any, ...]]) -> list[Claim]:
    """Rows of a score and a claim, in run order: RETURNING has none."""
    return claims_of(tx, queue, name, sorted(rows, key=lambda row: row[:2]))


def _claim_head(tx: Transaction, queue: int, call: Exchange) -> list[Claim]:
    return _counted(tx, queue, in_line(tx, queue, call.queue, ask_head(tx, queue, call).fetchall()))


def _walk(tx: Transaction, queue: int, want: int, gates: Gates, line: list[_Place]) -> list[bytes]:
    """Go along the line: who has no gate, or passes it, is chosen; the others are turned away."""
    chosen: list[bytes] = []
    turned: list[bytes] = []
    asked = want
    while line:
        gates.try_take(_comers(line))
        for _, raw, gate in line:
            if len(chosen) == want or len(turned) == TURNED_AWAY_PER_EXCHANGE:
                break
            passes = gate is None or gates.admits(gate)
            if passes is not None:
                (chosen if passes else turned).append(raw)
        if len(chosen) == want or len(turned) == TURNED_AWAY_PER_EXCHANGE or len(line) < asked:
            break
        asked = want - len(chosen) + len(turned)
        line = _line(tx, queue, line[-1][:2], asked)
    gates.turn_away(turned)
    return chosen


def _line(tx: Transaction, queue: int, behind: tuple[int, bytes], limit: int) -> list[_Place]:
    score, raw = behind
    rows = tx.all("claim_line", queue=queue, score=score, raw=raw, limit=limit)
    return [(score, raw, unpack_gate(packed)) for score, raw, packed in rows]


def _claim_named(tx: Transaction, queue: int, call: Exchange, raws: Sequence[bytes]) -> list[Claim]:
    if not raws:
        return []
    values = {"worker": call.worker, "lease_ms": call.lease_ms}
    rows = tx.all("claim_named", queue=queue, raw=list(raws), now=tx.now_ms, **values)
    return _counted(tx, queue, in_line(tx, queue, call.queue, rows))


def _counted(tx: Transaction, queue: int, claims: list[Claim]) -> list[Claim]:
    tx.left(queue, State.PENDING, len(claims))
    tx.arrived(queue, State.RUNNING, len(claims))
    return claims


def _comers(line: Sequence[_Place]) -> list[Gate]:
    return [gate for *_, gate in line if gate is not None]
