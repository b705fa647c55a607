"""What a verb works with while it writes: the connection, the time, the queues it touches, and what is written last."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from psycopg import Cursor

from ...model.clock import Clock
from ...model.minutes import minute_of
from ...model.states import State
from .pool import Connection
from .statements import Statements
from .trip import one_trip

_SLOTS: Final = 16  # of the counters of a queue: so many transactions can commit at once
_CLOCKS_DIFFER_MS: Final = 3 * 86_400_000
_BEFORE_ALL_MS: Final = -(1 << 62)


class SentTwiceError(Exception):
    """Another connection was answering the same call; done again, this one repeats that answer."""


@dataclass(slots=True)
class Sums:
    """What a transaction adds to the counters of one queue."""

    states: defaultdict[State, int] = field(default_factory=lambda: defaultdict(int))
    processed: int = 0
    failures: int = 0
    last_processed_ms: int = 0

    def as_columns(self) -> dict[str, int]:
        return {
            **{state.value: self.states[state] for state in State},
            "processed": self.processed,
            "failures": self.failures,
            "last_processed_ms": self.last_processed_ms,
        }


class _Queue(NamedTuple):
    """What is known of a queue."""

    id: int
    is_known: bool
    has_gates: bool


class Transaction:
    """An open transaction that writes. Counters, minutes and journals are written by `flush`, in one order for all:
    their rows are wanted by many, and stay locked until the commit."""

    def __init__(self, db: Connection, sql: Statements, clock: Clock | None) -> None:
        self.db = db
        self.sql = sql
        self.rung: set[str] = set()
        self.days_ms: set[int] = set()  # times, other than now, at which jobs that it stores have finished
        self._clock = clock
        self._now_ms: int | None = None
        self._sums: defaultdict[int, Sums] = defaultdict(Sums)
        self._minutes: list[tuple[int, Mapping[str, int]]] = []
        self._journals: list[tuple[int, str, bytes]] = []
        self._queues: dict[str, _Queue] = {}

    @property
    def now_ms(self) -> int:
        """The store's time, asked when it is first wanted and the same from then on."""
        if self._now_ms is None:
            self._now_ms = self._clock.now_ms() if self._clock else int(self.one("now")[0])
        return self._now_ms

    def know_time(self, now_ms: int) -> None:
        """Note the store's time as another statement has told it, unless it was asked before or is a clock's."""
        if self._now_ms is None and self._clock is None:
            self._now_ms = now_ms

    # Statements

    def run(self, name: str, /, **values: object) -> Cursor[tuple[Any, ...]]:
        return self.db.execute(self.sql[name], values, binary=True)

    def run_filled(self, name: str, parts: Mapping[str, str | int], /, **values: object) -> Cursor[tuple[Any, ...]]:
        return self.db.execute(self.sql.filled(name, **parts), values, binary=True)

    def all(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
        return self.run(name, **values).fetchall()

    def find(self, name: str, /, **values: object) -> tuple[Any, ...] | None:
        return self.run(name, **values).fetchone()

    def one(self, name: str, /, **values: object) -> tuple[Any, ...]:
        row = self.find(name, **values)
        assert row is not None, f"{name} answers one row"
        return row

    def together(self) -> AbstractContextManager[None]:
        """What is run within makes one trip; its answers are read afterwards. Not on a caller's connection."""
        return one_trip(self.db)

    def aside(self, work: Callable[[Transaction], object]) -> None:
        """Do what stands whatever becomes of this transaction. Where it may stay open for long, in another one."""
        work(self)

    # Queues

    def know_queue(self, name: str, queue: int, *, is_known: bool, has_gates: bool = False) -> None:
        """Note what another statement has found out."""
        found = self._queues.get(name)
        self._queues[name] = _Queue(queue, is_known, has_gates or (found is not None and found.has_gates))

    def find_queue(self, name: str) -> int | None:
        """A queue's number; None when nothing ever made it."""
        if name not in self._queues:
            row = self.find("queue_find", name=name)
            if row is None:
                return None
            self._queues[name] = _Queue(*row)
        return self._queues[name].id

    def queue(self, name: str, *, is_known: bool = False) -> int:
        """A queue's number, made if need be; is_known: worth listing from now on."""
        queue = self.find_queue(name)
        if queue is None:
            self.run("queue_add", name=name)
            queue = self.find_queue(name)
        assert queue is not None, "a queue that was just added is there"
        if is_known and not self._queues[name].is_known:
            self.run("queue_known", queue=queue)
            self._queues[name] = self._queues[name]._replace(is_known=True)
        return queue

    def has_gates(self, name: str) -> bool:
        """Whether gates have to do with a queue that was found."""
        return self._queues[name].has_gates

    def gates_come(self, name: str) -> None:
        """Note that they have, from now on."""
        found = self._queues[name]
        if not found.has_gates:
            self.aside(lambda other: other.run("queue_gates", queue=found.id))
            self._queues[name] = found._replace(has_gates=True)

    def oldest(self, raws: Iterable[bytes]) -> int:
        """The earliest time at which one of some jobs can have finished: their ids begin with when they were made.

        Less three days for clocks that differ; with a clock of a test's own nothing is known.
        """
        if self._clock is not None:
            return _BEFORE_ALL_MS
        return min((int.from_bytes(raw[:6], "big") for raw in raws), default=0) - _CLOCKS_DIFFER_MS

    # What is written last

    def arrived(self, queue: int, state: State, number: int = 1) -> None:
        self._sums[queue].states[state] += number

    def left(self, queue: int, state: State, number: int = 1) -> None:
        self._sums[queue].states[state] -= number

    def ended_attempt(self, queue: int, state: State) -> None:
        sums = self._sums[queue]
        sums.processed += 1
        sums.failures += state in (State.FAILED, State.DEAD)
        sums.last_processed_ms = self.now_ms

    def change_of(self, queue: int, state: State) -> int:
        """By how much this transaction has changed a count so far."""
        return self._sums[queue].states[state]

    def count_minutes(self, queue: int, sums: Mapping[str, int]) -> None:
        if sums:
            self._minutes.append((queue, sums))

    def write_journal(self, queue: int, stream: str, lines: bytes) -> None:
        self._journals.append((queue, stream, lines))

    def ring(self, name: str) -> None:
        """A queue has something new for those who wait."""
        self.rung.add(name)

    def flush(self, channel: str, loud: Sequence[str]) -> None:
        """loud: the queues among `rung` that other processes are told of."""
        slot = threading.get_native_id() % _SLOTS
        if loud:
            self.run("ring", channel=channel, names=list(loud))
        for queue, sums in self._minutes:
            values = {"metric": list(sums), "n": list(sums.values())}
            self.run("minute_add", queue=queue, minute=minute_of(self.now_ms), slot=slot, **values)
        for queue, stream, lines in sorted(self._journals):
            self.run("journal_add", queue=queue, stream=stream, lines=lines)
        self.flush_counters(slot=slot)

    def flush_counters(self, *, slot: int | None) -> None:
        """slot: None is one that only this connection writes to."""
        for queue in sorted(self._sums):
            columns = self._sums[queue].as_columns()
            if any(columns.values()):
                self.run("counter_add", queue=queue, slot=slot, **columns)
