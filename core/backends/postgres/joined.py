"""Enqueueing on a connection of the caller's: the jobs come with the commit of the caller's rows, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Cursor, adapt
from psycopg.rows import tuple_row

from ...model.clock import Clock
from ...model.job import NewJob, Receipt
from .intake import add
from .pool import Connection
from .statements import Statements
from .transaction import Transaction

_SAVEPOINT: Final = "jobs_enqueue"
Write: TypeAlias = Callable[[Callable[[Transaction], object]], object]

_OUR_ADAPTERS: Final = adapt.AdaptersMap(psycopg.adapters)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection leads: server_start (microseconds since 1970) and database (oid) tell it from everywhere
    else; has_store: our tables are there; may_enqueue: its user has the rights."""

    server_start: int
    database: int
    has_store: bool
    may_enqueue: bool

    def is_beside(self, other: Place) -> bool:
        return (self.server_start, self.database) == (other.server_start, other.database)


class Joined:
    """What is known of callers' connections: asked once a connection, since none changes its server."""

    def __init__(self, sql: Statements, clock: Clock | None, url: str) -> None:
        self._sql = sql
        self._clock = clock
        self._url = url
        self._own: Place | None = None
        self._refusals: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()

    def refusal(self, connection: object, ask_own: Callable[[], Place]) -> str:
        """See Joining. ask_own: where the store's own connections lead; asked again when it was another place, since
        the server may have been started anew."""
        if not isinstance(connection, psycopg.Connection):
            return f"its driver is {_driver_of(connection)}, and not psycopg 3"
        known = self._refusals.get(connection)
        if known is None:
            theirs = look(_Guest(connection), self._sql)
            if self._own is None or not self._own.is_beside(theirs):
                self._own = ask_own()
            known = self._refusals[connection] = self._reason(theirs, self._own)
        return known

    def enqueue(self, connection: object, jobs: Sequence[NewJob], write: Write) -> list[Receipt]:
        """See Joining. write: runs a work in a transaction of the store's own, which ends soon."""
        guest = _Guest(cast(Connection, connection))
        tx = _JoinedTransaction(cast(Connection, guest), self._sql, self._clock, write)
        with guest.savepoint():
            for name in sorted({job.queue for job in jobs}):
                tx.prepare_queue(name)
            receipts = add(tx, jobs, ids_are_new=True)
            tx.flush_counters(slot=None)
        return receipts

    def _reason(self, theirs: Place, own: Place) -> str:
        if not theirs.is_beside(own):
            return f"it leads to another server or database than {self._url}"
        if not theirs.has_store:
            return f"the store's tables are not there, in the schema {self._sql.schema}"
        if not theirs.may_enqueue:
            return f"its user may not write to the schema {self._sql.schema}, which takes rights on its tables"
        return ""


def look(db: Any, sql: Statements) -> Place:
    """Where a connection leads; changes nothing there."""
    return Place(*db.execute(sql["joined_look"], {"schema": sql.schema}, binary=True).fetchone())


class _JoinedTransaction(Transaction):
    """The caller's, which may stay open for as long as the caller likes."""

    def __init__(
        self,
        db: Connection,
        sql: Statements,
        clock: Clock | None,
        write: Write,
    ) -> None:
        super().__init__(db, sql, clock)
        self._write = write

    def aside(self, work: Callable[[Transaction], object]) -> None:
        self._write(work)

    def prepare_queue(self, name: str) -> None:
        """Made aside, so that nobody who is first in the same one waits for the caller's commit; known to be listed,
        because the row that its counter gets here makes it so, at that commit."""
        queue = self.find_queue(name)
        if queue is None:
            made: list[int] = []
            self._write(lambda own: made.append(own.queue(name)))
            queue = made[-1]
        self.know_queue(name, queue, is_known=True)


class _PlainCursor(Cursor[tuple[Any, ...]]):
    """Binds on the server, answers tuples, and converts as psycopg does by itself: whatever its connection was told."""

    @property
    def adapters(self) -> adapt.AdaptersMap:
        return _OUR_ADAPTERS


class _Guest:
    """A connection of the caller's, as far as our statements need one. Its transaction is never begun or ended here:
    with autocommit off the driver begins it before the savepoint, as before any statement of the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, query: str, values: Mapping[str, object] | None = None, *, binary: bool = False) -> _PlainCursor:
        cursor = _PlainCursor(self._connection, row_factory=tuple_row)
        cursor.execute(query, values, prepare=False, binary=binary)
        return cursor

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails within is undone alone: the caller's transaction stays good."""
        self.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):
                self.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
                self.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
            raise
        self.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")


def _driver_of(connection: object) -> str:
    return type(connection).__module__.partition(".")[0]
