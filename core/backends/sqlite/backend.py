"""The SQLite store: every verb is one work for the writer, or one look at a moment of the file."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Final, TypeVar

from ...errors import ConfigError, StoreFull, StoreUnavailable
from ...model.clock import Clock, SystemClock
from ...model.gate import GateInfo
from ...model.ident import JobRef
from ...model.job import NewJob, Receipt, StoredJob
from ...model.retention import Retention
from ...model.schedule import StoredSchedule
from ...model.states import State, Verb
from ...model.worker import WorkerInfo, WorkerOrders
from ..contract import (
    Acted,
    Backend,
    Exchange,
    ExchangeReply,
    Features,
    JournalEntry,
    Note,
    Page,
    PageQuery,
    QueueCounts,
    Rescue,
    Sweep,
    Swept,
)
from . import control, leases, look, register, schedules
from .database import Database
from .exchange import exchange
from .intake import add, adopt
from .location import FileIdentity, path_of, url_of
from .retention import trim
from .transaction import Transaction

T = TypeVar("T")

SYNCHRONOUS: Final = ("FULL", "EXTRA", "NORMAL", "OFF")

# A parent's connections in a forked child: closing them there would cut the parent's log, so they are kept unused.
_inherited: list[Database] = []


def open_url(url: str, *, clock: Clock | None = None, synchronous: str = "FULL") -> Backend:
    """A store from `sqlite:///relative` or `sqlite:////absolute`; `?synchronous=NORMAL` overrides. No I/O yet."""
    path, options = path_of(url)
    unknown = options.keys() - {"synchronous"}
    if unknown:
        raise ConfigError(f"{url}: unknown option {', '.join(sorted(unknown))}; known is: synchronous")
    return SqliteBackend(path, clock=clock, synchronous=options.get("synchronous", synchronous))


class SqliteBackend:
    """Jobs in one file of one machine, shared by its processes.

    synchronous: FULL survives a power cut; NORMAL may lose to one what was written since the log was last moved into
    the file, OFF the file itself. A killed process loses nothing under any of them.
    """

    features = Features(name="sqlite")

    def __init__(self, path: Path | str, *, clock: Clock | None = None, synchronous: str = "FULL") -> None:
        if synchronous.upper() not in SYNCHRONOUS:
            raise ConfigError(f"synchronous={synchronous!r}: one of {', '.join(SYNCHRONOUS)}")
        self._path = Path(os.path.abspath(path))
        self._clock = clock or SystemClock()
        self._synchronous = synchronous.upper()
        self._database: Database | None = None
        self._identity: FileIdentity | None = None
        self._opening = threading.Lock()
        self.url = url_of(self._path)

    @property
    def store_id(self) -> str:
        return self._open_database().store_id

    def open(self) -> None:
        self._reopen()

    def ping(self) -> None:
        self._read(look.counts)

    def close(self) -> None:
        if self._database is not None and self._database.pid == os.getpid():
            self._database.close()

    def now_ms(self) -> int:
        return self._clock.now_ms()

    # Intake

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        return self._open_database().write(lambda tx: add(tx, jobs))

    def relay(self, queue: str, limit: int) -> int:
        return 0  # follow-ups reach every queue in the transaction that settles

    # Work

    def exchange(self, call: Exchange) -> ExchangeReply:
        return self._write(lambda tx: exchange(tx, call))

    def renew(self, queue: str, claims: Sequence[tuple[bytes, int]], lease_ms: int) -> list[bytes]:
        return self._write(lambda tx: leases.renew(tx, queue, claims, lease_ms))

    def release(self, queue: str, claims: Sequence[tuple[bytes, int]]) -> int:
        return self._write(lambda tx: leases.release(tx, queue, claims))

    def note(self, queue: str, notes: Sequence[Note]) -> list[bytes]:
        return self._write(lambda tx: leases.note(tx, queue, notes))

    def rescue(self, queue: str, limit: int, lease_ms: int) -> Rescue:
        return self._write(lambda tx: leases.rescue(tx, queue, limit, lease_ms))

    def trim(self, queue: str, retention: Retention, limit: int) -> int:
        return self._write(lambda tx: trim(tx, queue, retention, limit))

    def wait(self, queues: Sequence[str], timeout_s: float) -> None:
        due: int | None = None

        def is_ready(db: Connection, is_written: bool) -> bool:
            nonlocal due
            if is_written:
                due = look.next_work(db, queues)
            return due is not None and due <= self.now_ms()

        self._open_database().sleep(is_ready, timeout_s)

    # Control

    def act(self, verb: Verb, queue: str, raws: Sequence[bytes], operation: str, reason: str = "") -> list[Acted]:
        return self._write(lambda tx: control.act(tx, verb, queue, raws, operation, reason))

    def sweep(self, sweep: Sweep) -> Swept:
        return self._write(lambda tx: control.sweep(tx, sweep))

    def pause(self, queue: str, reason: str) -> None:
        self._write(lambda tx: control.pause(tx, queue, reason))

    def resume(self, queue: str) -> None:
        self._write(lambda tx: control.resume(tx, queue))

    def purge(self, queue: str, state: State, before_ms: int, limit: int) -> int:
        return self._write(lambda tx: control.purge(tx, queue, state, before_ms, limit))

    def adopt(self, queue: str, jobs: Sequence[StoredJob]) -> list[bool]:
        return self._write(lambda tx: adopt(tx, queue, jobs))

    def withdraw(self, queue: str, jobs: Sequence[tuple[bytes, State, int]]) -> int:
        return self._write(lambda tx: control.withdraw(tx, queue, jobs))

    def order(self, worker: str, orders: WorkerOrders) -> bool:
        return self._write(lambda tx: register.order(tx, worker, orders))

    # Workers

    def beat(self, worker: WorkerInfo) -> WorkerOrders:
        return self._write(lambda tx: register.beat(tx, worker))

    def forget(self, worker: str) -> None:
        self._write(lambda tx: register.forget(tx, worker))

    def workers(self) -> list[WorkerInfo]:
        return self._read(lambda db: register.workers(db, self.now_ms()))

    # Schedules

    def put_schedule(self, queue: str, key: str, spec: bytes, *, enabled: bool) -> StoredSchedule:
        return self._write(lambda tx: schedules.put(tx, queue, key, spec, enabled=enabled))

    def switch_schedule(self, queue: str, key: str, *, enabled: bool) -> StoredSchedule | None:
        return self._write(lambda tx: schedules.switch(tx, queue, key, enabled=enabled))

    def adopt_schedule(self, schedule: StoredSchedule) -> bool:
        return self._write(lambda tx: schedules.adopt(tx, schedule))

    def remove_schedule(self, queue: str, key: str) -> bool:
        return self._write(lambda tx: schedules.remove(tx, queue, key))

    def tick(self, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
        return self._write(lambda tx: schedules.tick(tx, queue, key, version, last_fire_ms, fire_ms, job))

    def schedules(self) -> list[StoredSchedule]:
        return self._read(schedules.schedules)

    # Readers

    def counts(self) -> list[QueueCounts]:
        return self._read(look.counts)

    def get(self, refs: Sequence[JobRef]) -> list[StoredJob | None]:
        return self._read(lambda db: look.get(db, refs))

    def page(self, query: PageQuery) -> Page:
        return self._read(lambda db: look.page(db, query))

    def ahead(self, ref: JobRef, limit: int) -> int | None:
        return self._read(lambda db: look.ahead(db, ref, limit))

    def gate(self, queue: str, name: str) -> GateInfo | None:
        return self._read(lambda db: look.gate(db, queue, name, self.now_ms()))

    def journal(self, queue: str, stream: str, after: str, limit: int) -> list[JournalEntry]:
        return self._read(lambda db: look.journal(db, queue, stream, after, limit))

    def minutes(self, queue: str, since: int) -> dict[int, dict[str, int]]:
        return self._read(lambda db: look.minutes(db, queue, since))

    # Inside

    def _write(self, work: Callable[[Transaction], T]) -> T:
        """A verb that brings nothing in: a full disk means "later" to it, not "too much"."""
        try:
            return self._open_database().write(work)
        except StoreFull as full:
            raise StoreUnavailable(str(full)) from full

    def _read(self, look_at: Callable[[Connection], T]) -> T:
        return self._open_database().read(look_at)

    def _open_database(self) -> Database:
        database = self._database
        if database is None:
            raise StoreUnavailable(f"{self._path} is not open; call open() first")
        return database if database.pid == os.getpid() else self._reopen()

    def _reopen(self) -> Database:
        """The open database, made anew at first, after a close, and in a forked child, which leaves its parent's be."""
        with self._opening:
            found = self._database
            if found is not None and found.pid == os.getpid() and not found.is_closed:
                return found
            if found is not None and found.pid != os.getpid():
                _inherited.append(found)
            self._database = Database(
                self._path, clock=self._clock, synchronous=self._synchronous, expected=self._identity
            )
            self._identity = self._database.identity
            return self._database
