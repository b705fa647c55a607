"""The rows of gates that a transaction touches: read once, changed in Python, written back once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ...model.gate import Gate, paid_after, passes_at_us, task_gate, task_of_gate
from ...model.limits import TOLD_TASKS
from .statements import SQL

_FIRST_TASK = task_gate("")
_BEHIND_TASKS = _FIRST_TASK[:-1] + chr(ord(_FIRST_TASK[-1]) + 1)


@dataclass(slots=True)
class GateRow:
    """One gate, under the numbers of the newest job that came to it."""

    gate: Gate
    used: int = 0
    waiting: int = 0
    paid_until_us: int = 0

    @property
    def has_slot(self) -> bool:
        return not self.gate.limit or self.used < self.gate.limit

    @property
    def passes_at_ms(self) -> int:
        """When its rate lets the next one pass."""
        return -(-passes_at_us(self.gate, self.paid_until_us) // 1000)

    @property
    def opens_ms(self) -> int | None:
        """When the next of those who wait passes if nothing but time goes by. A gate without rules never opens by
        itself: it opens for who knows a task."""
        has_rules = self.gate.limit or self.gate.interval_us
        return self.passes_at_ms if has_rules and self.waiting and self.has_slot else None

    def is_at_rest(self, now_ms: int) -> bool:
        return not self.used and not self.waiting and self.paid_until_us <= now_ms * 1000

    def has_room(self, now_ms: int) -> bool:
        return self.has_slot and self.passes_at_ms <= now_ms

    def pay(self, now_ms: int) -> None:
        """One more has passed by the rules."""
        self.paid_until_us = paid_after(self.gate, self.paid_until_us, now_ms)
        self.used += 1

    def as_columns(self) -> tuple[object, ...]:
        gate = self.gate
        rules = (gate.name, gate.limit, gate.interval_us, gate.burst)
        return (*rules, self.used, self.waiting, self.paid_until_us, self.opens_ms)


class GateRows:
    """Those of one transaction, by queue and name. Queries over all gates see what was changed here after a flush."""

    def __init__(self, db: sqlite3.Connection, now_ms: int) -> None:
        self._db = db
        self._now_ms = now_ms
        self._rows: dict[tuple[int, str], GateRow] = {}
        self._as_found: dict[tuple[int, str], tuple[object, ...] | None] = {}  # None: not in the file

    def at(self, queue: int, queue_name: str, gate: Gate) -> GateRow:
        """A gate's row; one that is new or at rest has the numbers given, so that forgetting it changes nothing."""
        key = queue, gate.name
        if key not in self._rows:
            found = read_gate(self._db, queue_name, gate.name)
            self._rows[key] = found or GateRow(gate)
            self._as_found[key] = found.as_columns() if found else None
        row = self._rows[key]
        if row.is_at_rest(self._now_ms):
            row.gate = gate
        return row

    def flush(self) -> None:
        """Write back what has changed; a gate at rest is forgotten."""
        for (queue, name), row in list(self._rows.items()):
            columns, as_found = row.as_columns(), self._as_found[queue, name]
            if row.is_at_rest(self._now_ms):
                if as_found is not None:
                    self._db.execute(SQL["gate_forget"], (queue, name))
                del self._rows[queue, name], self._as_found[queue, name]
            elif columns != as_found:
                self._db.execute(SQL["gate_save"], (queue, *columns))
                self._as_found[queue, name] = columns


def read_gate(db: sqlite3.Connection, queue_name: str, name: str) -> GateRow | None:
    """A gate as the file has it; None while it is at rest."""
    found = db.execute(SQL["gate_find"], (queue_name, name)).fetchone()
    return GateRow(Gate(name, *found[:3]), *found[3:]) if found else None


def read_awaited(db: sqlite3.Connection, queue: int) -> list[str]:
    """The tasks that jobs of a queue wait for a worker to know."""
    rows = db.execute(SQL["gates_named"], (queue, _FIRST_TASK, _BEHIND_TASKS, TOLD_TASKS))
    return [task_of_gate(name) for (name,) in rows]
