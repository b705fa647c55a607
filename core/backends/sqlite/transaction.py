"""What a verb works with while it writes: the connection, the time, and the rows of queues and gates it touches."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...model.states import State
from ..sql.codec import CODES
from .gate_rows import GateRows
from .statements import SQL


@dataclass(slots=True)
class QueueRow:
    """One queue's row; `counts` by the number of the state. Changed here, written back by `Transaction.flush`."""

    id: int
    name: str
    is_known: int
    counts: list[int]
    processed: int
    failures: int
    last_processed_ms: int
    last_token: int
    is_paused: int
    paused_reason: str
    paused_ms: int
    rescued_ms: int | None
    quarantine_ms: int

    @classmethod
    def of(cls, columns: Sequence[Any]) -> QueueRow:
        """From the columns of queue_find."""
        id, name, is_known = columns[:3]
        return cls(id, name, is_known, list(columns[3:11]), *columns[11:])

    def arrived(self, state: State, number: int = 1) -> None:
        self.counts[CODES[state]] += number

    def left(self, state: State, number: int = 1) -> None:
        self.counts[CODES[state]] -= number

    def holds(self, state: State) -> int:
        return self.counts[CODES[state]]

    def as_columns(self) -> tuple[object, ...]:
        """What queue_save binds."""
        return (
            self.is_known,
            *self.counts,
            self.processed,
            self.failures,
            self.last_processed_ms,
            self.last_token,
            self.is_paused,
            self.paused_reason,
            self.paused_ms,
            self.rescued_ms,
            self.quarantine_ms,
            self.id,
        )


@dataclass(slots=True)
class Transaction:
    """An open write transaction at one moment of the store's time."""

    db: sqlite3.Connection
    now_ms: int
    gates: GateRows = field(init=False)
    stirred: set[str] = field(default_factory=set)  # gates of the verb's queue whose slots or numbers have changed
    _queues: dict[str, QueueRow] = field(default_factory=dict)
    _as_found: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gates = GateRows(self.db, self.now_ms)

    def find_queue(self, name: str) -> QueueRow | None:
        """A queue's row; None when nothing ever made it."""
        if name not in self._queues:
            found = self.db.execute(SQL["queue_find"], (name,)).fetchone()
            if found is None:
                return None
            queue = QueueRow.of(found)
            self._queues[name], self._as_found[name] = queue, queue.as_columns()
        return self._queues[name]

    def queue(self, name: str) -> QueueRow:
        """A queue's row, made if need be."""
        found = self.find_queue(name)
        if found is None:
            self.db.execute(SQL["queue_add"], (name,))
            found = self.find_queue(name)
        assert found is not None, "a queue that was just added is there"
        return found

    def flush(self) -> None:
        """Write the changed rows of gates and queues back: once a transaction, however many jobs moved."""
        self.gates.flush()
        now = {name: queue.as_columns() for name, queue in self._queues.items()}
        changed = [columns for name, columns in now.items() if columns != self._as_found[name]]
        self.db.executemany(SQL["queue_save"], changed)
