"""The gates of a queue: who passes, who waits in line, and who goes on when there is room again."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.gate import Gate, task_gate
from ...model.job import pending_score
from ...model.states import State
from ..contract import Exchange
from ..sql.codec import unpack_gate
from .gate_rows import GateRow, read_awaited
from .statements import SQL
from .transaction import QueueRow, Transaction

_REFILLED = 1_000  # jobs that a freed slot or a raised limit lets through in one step; the others go with the claims
_OPENED = 200  # gates that one claim opens because their time has come


def passes(tx: Transaction, queue: QueueRow, gate: Gate) -> bool:
    """Whether a job that comes to its gate may pass at once; if so it has, else it waits there from now on."""
    row = _row(tx, queue, gate)
    row.gate = gate
    if not row.waiting and row.has_room(tx.now_ms):
        row.pay(tx.now_ms)
        return True
    row.waiting += 1
    tx.stirred.add(gate.name)  # its numbers may let those pass who waited before it
    return False


def enter(tx: Transaction, queue: QueueRow, gate: Gate) -> None:
    """One more has passed by order, whatever the rules say."""
    _row(tx, queue, gate).used += 1


def line_up(tx: Transaction, queue: QueueRow, own: Gate | None, name: str) -> None:
    """One more waits at a gate, its own or another one."""
    gate = own if own is not None and own.name == name else Gate(name)
    _row(tx, queue, gate).waiting += 1


def leave(tx: Transaction, queue: QueueRow, own: Gate | None, has_passed: int, held_at: str) -> None:
    """One neither waits any more nor runs or is about to: it gives back what it had.

    A process of an older version knows no gates and leaves them as they are; no number falls below zero for that.
    """
    if held_at:
        row = _row(tx, queue, Gate(held_at))
        row.waiting = max(0, row.waiting - 1)
    if own is not None and has_passed:
        row = _row(tx, queue, own)
        row.used = max(0, row.used - 1)
        tx.stirred.add(own.name)


def gate_of(tx: Transaction, job: int) -> Gate | None:
    """The gate that a job came with."""
    return unpack_gate(tx.db.execute(SQL["gate_of"], (job,)).fetchone()[0])


def refill(tx: Transaction, queue: QueueRow) -> None:
    """Let as many pass as have become free where something changed."""
    while tx.stirred:
        _open(tx, queue, tx.stirred.pop(), _REFILLED)


def let_through(tx: Transaction, queue: QueueRow, call: Exchange) -> None:
    """Before a claim: those whose slot or time has come, and those whose task this worker knows."""
    refill(tx, queue)
    if call.want <= 0 or not queue.holds(State.HELD):
        return
    tx.gates.flush()
    for (name,) in tx.db.execute(SQL["gates_open"], (queue.id, tx.now_ms, _OPENED)).fetchall():
        _open(tx, queue, name, call.want)
    for task in call.serve:
        row = _row(tx, queue, Gate(task_gate(task)))
        _release(tx, queue, row, min(call.want, row.waiting), has_passed=False)


def next_opening(tx: Transaction, queue: QueueRow) -> int:
    """When the next one passes who waits for nothing but time, or a claim; 0: there is none."""
    if not queue.holds(State.HELD):
        return 0
    tx.gates.flush()
    found = tx.db.execute(SQL["gate_next"], (queue.id,)).fetchone()
    return max(tx.now_ms, found[0]) if found else 0


def awaited_tasks(tx: Transaction, queue: QueueRow) -> Sequence[str]:
    """Tasks that jobs wait for a worker to know."""
    if not queue.holds(State.HELD):
        return ()
    tx.gates.flush()
    return read_awaited(tx.db, queue.id)


def _open(tx: Transaction, queue: QueueRow, name: str, most: int) -> None:
    """Let those who wait pass, first in run order, as far as the rules allow."""
    row = _row(tx, queue, Gate(name))
    number = 0
    while number < min(most, row.waiting) and row.has_room(tx.now_ms):
        row.pay(tx.now_ms)
        number += 1
    _release(tx, queue, row, number, has_passed=True)


def _release(tx: Transaction, queue: QueueRow, row: GateRow, number: int, *, has_passed: bool) -> None:
    """Put the first of those who wait back to their place in run order."""
    if not number:
        return
    first = tx.db.execute(SQL["line"], (queue.id, row.gate.name, number)).fetchall()
    moves = [(pending_score(priority, ready_ms), has_passed, id) for id, priority, ready_ms in first]
    tx.db.executemany(SQL["let_through"], moves)
    row.waiting -= number
    queue.left(State.HELD, len(moves))
    queue.arrived(State.PENDING, len(moves))


def _row(tx: Transaction, queue: QueueRow, gate: Gate) -> GateRow:
    return tx.gates.at(queue.id, queue.name, gate)
