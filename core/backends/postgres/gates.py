"""The gates of one queue that a transaction comes to: who may pass by the rules, and what is noted of it.

Order of locks, for all: rows of jobs (by raw), unique keys, then gates (by slot), then what a transaction writes last.
Who holds a gate waits for no job and no second gate any more; what it cannot have at once it leaves alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from ...model.gate import Gate, GateInfo, paid_after, passes_at_us, task_gate, task_of_gate
from ...model.states import State
from ..sql.codec import pack_gate, unpack_gate
from .transaction import Transaction

_LOCKS: Final = 1024  # rows of gate_lock
_DUE_AT_ONCE: Final = 100
_REFILLED: Final = 1_000  # jobs that one step lets through a gate; the others go with the claims
_IDLE_AT_ONCE: Final = 200


@dataclass(slots=True)
class _Post:
    """One gate, under the numbers of the newest job that came to it."""

    gate: Gate
    used: int
    paid_until_us: int
    waits: bool
    is_used: bool

    @property
    def has_rules(self) -> bool:
        return bool(self.gate.limit or self.gate.interval_us)

    @property
    def has_slot(self) -> bool:
        return not self.gate.limit or self.used < self.gate.limit

    def may_pass(self, most: int, now_ms: int) -> int:
        """How many may pass now, at most so many."""
        most = min(most, self.gate.limit - self.used) if self.gate.limit else most
        if not self.gate.interval_us:
            return max(0, most)
        count, paid_us = 0, self.paid_until_us
        while count < most and passes_at_us(self.gate, paid_us) <= now_ms * 1000:
            count, paid_us = count + 1, paid_after(self.gate, paid_us, now_ms)
        return count

    def pay(self, count: int, now_ms: int) -> None:
        """So many more have passed by the rules."""
        self.used += count
        self.is_used = True
        for _ in range(count if self.gate.interval_us else 0):
            self.paid_until_us = paid_after(self.gate, self.paid_until_us, now_ms)


class Gates:
    """What a transaction has to do with gates: collected first, done under their locks, noted last."""

    def __init__(self, tx: Transaction, queue: int, name: str) -> None:
        self._tx = tx
        self._queue = queue
        self._name = name
        self._posts: dict[str, _Post] = {}
        self._stirred: set[str] = set()  # whose slots or numbers have changed
        self._changed: set[str] = set()  # where somebody came to wait, or ceased to
        self._numbers: dict[str, Gate] = {}  # of those that may be new
        self._ordered: Counter[str] = Counter()  # how many an operator let pass

    # What happened to jobs

    def freed(self, name: str | None) -> None:
        """One that had passed has given its slot back."""
        if name:
            self._stirred.add(name)

    def changed(self, name: str | None) -> None:
        """One that waited there is gone, or was kept from moving for a while, or has come from another store."""
        if name:
            self._changed.add(name)

    def came(self, gate: Gate | None) -> None:
        """A job has come to a gate that may be new, and waits there."""
        if gate is not None:
            self._numbers.setdefault(gate.name, gate)

    def passed_by_order(self, gate: Gate | None) -> None:
        """An operator let one pass a gate that may be new, whatever its rules say."""
        if gate is not None:
            self.came(gate)
            self._ordered[gate.name] += 1

    @property
    def is_idle(self) -> bool:
        return not (self._stirred or self._changed or self._numbers)

    def settle(self) -> None:
        """For a verb that claims nothing: let those pass whose slot has become free."""
        if not self.is_idle:
            self.take(())
            self.refill()
            self.save()

    # Under the locks

    def take(self, comers: Iterable[Gate]) -> None:
        """Wait for the gates that all this is about and those of some comers; once in a transaction."""
        names = self._stirred | self._changed | self._numbers.keys() | {gate.name for gate in comers}
        self._tx.gates_come(self._name)
        self._tx.run("gate_lock", slots=sorted({self._slot(name) for name in names}))
        self._load(names)

    def try_take(self, comers: Iterable[Gate]) -> None:
        """Take further gates as far as nobody holds them; the others stay shut to this transaction."""
        names = {gate.name for gate in comers} - self._posts.keys()
        if names:
            self._load(self.free_among(names))

    def free_among(self, names: Iterable[str]) -> list[str]:
        """Those of some gates that are this transaction's from now on, because nobody holds them."""
        slots = {name: self._slot(name) for name in names}
        free = {slot for (slot,) in self._tx.all("gate_try", slots=sorted(set(slots.values())))}
        return [name for name, slot in slots.items() if slot in free]

    def refill(self) -> bool:
        """Let as many pass as have become free where something changed; whether any did."""
        moved = self._open(dict.fromkeys(self._stirred, _REFILLED))
        self._stirred.clear()
        return moved

    def let_through(self, tasks: Iterable[str], most: int) -> bool:
        """Before a claim: those whose slot or time has come, and those whose task is known; whether there were any."""
        refilled = self.refill()
        ruled = {name: most for name, post in self._posts.items() if post.has_rules}
        opened = self._open(ruled)
        served = self._move({task_gate(task): most for task in tasks}, passed=False)
        return refilled or opened or bool(served)

    def admits(self, gate: Gate) -> bool | None:
        """Whether a job that comes to a gate may pass at once, and then it has; None: the gate is in other hands."""
        post = self._posts.get(gate.name)
        if post is None:
            return None
        post.gate, post.is_used = gate, True
        if not post.waits and post.may_pass(1, self._tx.now_ms):
            post.pay(1, self._tx.now_ms)
            return True
        post.waits = True
        self._stirred.add(gate.name)  # its numbers may let those pass who waited before it
        return False

    def turn_away(self, raws: Sequence[bytes]) -> None:
        """Jobs that were not admitted wait, each at its own gate."""
        if raws:
            self._tx.run("gate_hold", queue=self._queue, raw=list(raws), now=self._tx.now_ms)
            self._tx.left(self._queue, State.PENDING, len(raws))
            self._tx.arrived(self._queue, State.HELD, len(raws))

    def save(self) -> None:
        """Note how the gates stand."""
        posts = list(self._posts.values())
        self._tx.run(
            "gate_save",
            queue=self._queue,
            name=[post.gate.name for post in posts],
            packed=[pack_gate(post.gate) for post in posts],
            paid_until_us=[post.paid_until_us for post in posts],
            has_room=[post.has_rules and post.has_slot for post in posts],
            opens_ms=[opens_ms(post.gate, post.paid_until_us) for post in posts],
            task=[task_of_gate(post.gate.name) for post in posts],
            is_used=[post.is_used for post in posts],
        )

    # Steps

    def _load(self, names: Iterable[str]) -> None:
        """How gates stand now that they are this transaction's."""
        for name, packed, paid_us, waits, used in self._tx.all("gate_load", queue=self._queue, name=list(names)):
            new = self._numbers.get(name)
            was_idle = not waits and used == self._ordered[name] and (paid_us or 0) <= self._tx.now_ms * 1000
            # One that is idle has the numbers of who comes, so that forgetting it changes nothing.
            gate = (new if was_idle else None) or unpack_gate(packed) or new or Gate(name)
            was_touched = name in self._changed or new is not None
            is_used = packed is not None or new is not None
            self._posts[name] = _Post(gate, used, paid_us or 0, bool(waits) or was_touched, is_used)

    def _open(self, wanted: Mapping[str, int]) -> bool:
        """Let those who wait pass, first in run order, as far as the rules allow."""
        posts = {name: self._posts[name] for name in wanted if self._posts[name].waits}
        allowed = {name: post.may_pass(wanted[name], self._tx.now_ms) for name, post in posts.items()}
        moved = self._move(allowed, passed=True)
        for name, count in moved.items():
            posts[name].pay(count, self._tx.now_ms)
        emptied = {name for name, count in allowed.items() if moved.get(name, 0) < count}
        doubtful = [name for name, count in moved.items() if name not in emptied]
        waiting = (
            {name for (name,) in self._tx.all("gate_waiting", queue=self._queue, name=doubtful)} if doubtful else ()
        )
        for name in (*emptied, *doubtful):
            posts[name].waits = name in waiting
        return bool(moved)

    def _move(self, counts: Mapping[str, int], *, passed: bool) -> dict[str, int]:
        """Move the first of those who wait back into the line; how many it were at each gate."""
        wanted = {name: count for name, count in counts.items() if count > 0}
        if not wanted:
            return {}
        columns = {"name": list(wanted), "most": list(wanted.values())}
        moved = dict(self._tx.all("gate_open", queue=self._queue, passed=passed, **columns))
        for count in moved.values():
            self._tx.left(self._queue, State.HELD, count)
            self._tx.arrived(self._queue, State.PENDING, count)
            self._tx.ring(self._name)
        return moved

    def _slot(self, name: str) -> int:
        return crc32(f"{self._queue}/{name}".encode()) % _LOCKS


def due(tx: Transaction, queue: int) -> list[str]:
    """Gates at which somebody waits who may pass now."""
    return [name for (name,) in tx.all("gate_due", queue=queue, now=tx.now_ms, limit=_DUE_AT_ONCE)]


def info(tx: Transaction, queue: str, name: str) -> GateInfo | None:
    """A gate as a reader sees it."""
    row = tx.find("gate_find", queue=queue, name=name)
    gate = unpack_gate(row[0]) if row else None
    if row is None or gate is None:
        return None
    _, paid_until_us, used, waiting = row
    next_ms = opens_ms(gate, paid_until_us)
    is_shut = next_ms > tx.now_ms
    if not (used or waiting or is_shut):
        return None
    return GateInfo(gate=gate, used=used, waiting=waiting, next_ms=next_ms if is_shut else 0)


def forget_idle(tx: Transaction, queue: int, name: str) -> None:
    """Gates that nobody has passed or waits at, and whose rate is at rest; a bounded number, by chance."""
    asked = {"queue": queue, "now_us": tx.now_ms * 1000}
    names = [name for (name,) in tx.all("gate_idle", limit=_IDLE_AT_ONCE, **asked)]
    if names:
        tx.run("gate_forget", name=Gates(tx, queue, name).free_among(names), **asked)


def opens_ms(gate: Gate, paid_until_us: int) -> int:
    """When a rate lets the next one pass."""
    return max(0, -(-passes_at_us(gate, paid_until_us) // 1000))
