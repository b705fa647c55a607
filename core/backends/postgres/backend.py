"""The PostgreSQL store: every verb is one transaction, or one look at a moment of the store."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from ...errors import StoreFull, StoreUnavailable
from ...model.clock import Clock
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
from .address import ANSWER_SECONDS, Address, read
from .adopting import adopt
from .database import Database
from .exchange import exchange
from .gates import info
from .intake import add
from .notes import note
from .partitions import DAY_MS, drop_emptied, make_day
from .retention import trim
from .transaction import Transaction

T = TypeVar("T")

# A parent's connections in a forked child: they are the parent's, so they are kept unused.
_inherited: list[Database] = []

DEFAULT_SCHEMA: Final = "jobs"
DEFAULT_POOL_SIZE: Final = 10
_UPKEEP_MS: Final = 600_000

# A unique key may be held by a transaction of a caller's that goes on for long; one statement, so one trip.
_BEGIN_PATIENTLY: Final = "BEGIN; SET LOCAL lock_timeout = 10000"


def open_url(
    url: str,
    *,
    clock: Clock | None = None,
    schema: str = DEFAULT_SCHEMA,
    pool_size: int = DEFAULT_POOL_SIZE,
    answer_seconds: float = ANSWER_SECONDS,
) -> Backend:
    """A store from `postgres://user:password@host:5432/database`; options of the same names in the URL override these.
    No I/O yet.

    answer_seconds: a statement that takes longer is ended, and a server that is silent for a little longer given up on.
    `?listen=no`: never LISTEN (through a pooler it is of no use); then sleepers poll four times a second, and nothing
    is prepared. `?prepare=no`: prepare nothing, and listen.
    """
    return PostgresBackend(read(url, schema=schema, pool_size=pool_size, answer_s=answer_seconds), clock=clock)


class PostgresBackend:
    """Jobs in one schema of a database, shared by many machines. Without a clock the time is the server's."""

    features = Features(name="postgres", transactional=True)

    def __init__(self, address: Address, *, clock: Clock | None = None) -> None:
        self._address = address
        self._clock = clock
        self._database: Database | None = None
        self._opening = threading.Lock()
        self._upkept_ms = 0
        self.url = address.url

    @property
    def store_id(self) -> str:
        return self._open_database().store_id

    def open(self) -> None:
        self._reopen()

    def ping(self) -> None:
        self._open_database().ping()

    def close(self) -> None:
        if self._database is not None and self._database.pid == os.getpid():
            self._database.close()

    def now_ms(self) -> int:
        return self._clock.now_ms() if self._clock else self._read(lambda tx: tx.now_ms)

    # Intake

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        return self._open_database().write(lambda tx: add(tx, jobs), begin=_BEGIN_PATIENTLY)

    def refusal(self, connection: object) -> str:
        return self._open_database().refusal(connection)

    def enqueue_within(self, connection: object, jobs: Sequence[NewJob]) -> list[Receipt]:
        return self._open_database().enqueue_within(connection, jobs)

    def ring(self, queues: Sequence[str]) -> None:
        self._open_database().ring(queues)

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
        return self._write(lambda tx: note(tx, queue, notes))

    def rescue(self, queue: str, limit: int, lease_ms: int) -> Rescue:
        return self._write(lambda tx: leases.rescue(tx, queue, limit, lease_ms))

    def trim(self, queue: str, retention: Retention, limit: int) -> int:
        self._keep_days()
        return self._write(lambda tx: trim(tx, queue, retention, limit))

    def wait(self, queues: Sequence[str], timeout_s: float) -> None:
        self._open_database().sleep(queues, timeout_s)

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
        return self._open_database().write(lambda tx: adopt(tx, queue, jobs))

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
        return self._read(register.workers)

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
        return self._read(lambda tx: look.get(tx, refs))

    def page(self, query: PageQuery) -> Page:
        return self._read(lambda tx: look.page(tx, query))

    def ahead(self, ref: JobRef, limit: int) -> int | None:
        return self._read(lambda tx: look.ahead(tx, ref, limit))

    def gate(self, queue: str, name: str) -> GateInfo | None:
        return self._read(lambda tx: info(tx, queue, name))

    def journal(self, queue: str, stream: str, after: str, limit: int) -> list[JournalEntry]:
        return self._read(lambda tx: look.journal(tx, queue, stream, after, limit))

    def minutes(self, queue: str, since: int) -> dict[int, dict[str, int]]:
        return self._read(lambda tx: look.minutes(tx, queue, since))

    # Inside

    def _write(self, work: Callable[[Transaction], T]) -> T:
        """A verb that brings nothing in: a full disk means "later" to it, not "too much"."""
        try:
            return self._open_database().write(work)
        except StoreFull as full:
            raise StoreUnavailable(str(full)) from full

    def _read(self, look_at: Callable[[Transaction], T]) -> T:
        return self._open_database().read(look_at)

    def _keep_days(self) -> None:
        """Now and then: make tomorrow's partition, drop the days of which nothing is left."""
        database, now_ms = self._open_database(), self.now_ms()
        if abs(now_ms - self._upkept_ms) >= _UPKEEP_MS:
            database.alone(lambda db: make_day(db, database.sql, now_ms + DAY_MS))
            database.alone(lambda db: drop_emptied(db, database.sql, now_ms))
            self._upkept_ms = now_ms

    def _open_database(self) -> Database:
        database = self._database
        if database is None:
            raise StoreUnavailable(f"{self.url} is not open; call open() first")
        return database if database.pid == os.getpid() else self._reopen()

    def _reopen(self) -> Database:
        """The open store, made anew at first, after a close, and in a forked child, which leaves its parent's be."""
        with self._opening:
            found = self._database
            if found is not None and found.pid == os.getpid() and not found.is_closed:
                return found
            if found is not None and found.pid != os.getpid():
                _inherited.append(found)
            self._database = Database(self._address, clock=self._clock)
            return self._database
