"""The connections of one process: lent one at a time, and soon given up on when there is no server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, TypeAlias

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from .address import Address
from .patience import PatientConnection

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

PATIENCE_S: Final = 5.0  # for a connection, when all are lent or the server is slow to give one
_SLICE_S: Final = 0.05  # how soon a waiter hears that the server refused
_GIVE_UP_S: Final = 0.001  # the pool's own retries would take ever longer pauses: callers try again themselves
_IDLE_S: Final = 120.0

_LOOK_S: Final = 2.0
_PREPARED_AFTER: Final = 5  # runs on one connection

# Nothing is prepared unless _prepare_where_it_stays says so.
SETTINGS: Final[dict[str, Any]] = {"autocommit": True, "prepare_threshold": None}


class Pool:
    """psycopg's pool, which waits its whole patience for a server that refuses; this one raises the refusal."""

    def __init__(self, address: Address) -> None:
        self._failures = 0
        self._failure: psycopg.Error | None = None
        self.size = address.pool_size
        self._pool: ConnectionPool[PatientConnection] = ConnectionPool(
            address.conninfo,
            connection_class=PatientConnection,
            configure=_prepare_where_it_stays if address.prepares else None,
            kwargs=SETTINGS,
            min_size=0,
            max_size=address.pool_size,
            max_idle=_IDLE_S,
            open=True,
            num_workers=1,
            reconnect_timeout=_GIVE_UP_S,
            reconnect_failed=self._note_failure,
        )
        self._conninfo = address.conninfo

    @contextmanager
    def lent(self, patience_s: float = PATIENCE_S) -> Iterator[PatientConnection]:
        """A connection of the caller's own for a while; raises psycopg.OperationalError when there is none."""
        connection = self._take(patience_s)
        try:
            yield connection
        finally:
            self._pool.putconn(connection)

    def close(self) -> None:
        self._pool.close()

    def _take(self, patience_s: float) -> PatientConnection:
        failures, until = self._failures, monotonic() + patience_s
        while True:
            try:
                return self._pool.getconn(timeout=_SLICE_S)
            except PoolClosed:
                raise
            except PoolTimeout:
                if self._failures != failures:
                    raise self._reason() from None
                if monotonic() > until:
                    raise psycopg.OperationalError(f"none of {self.size} connections was free in time") from None

    def _note_failure(self, _: ConnectionPool[PatientConnection]) -> None:
        self._failures += 1

    def _reason(self) -> psycopg.Error:
        """Why there is no connection, from the server's own mouth."""
        try:
            psycopg.connect(self._conninfo, connect_timeout=2, **SETTINGS).close()
        except psycopg.Error as error:
            return error
        return psycopg.OperationalError("the server was away for a moment")


def _prepare_where_it_stays(db: PatientConnection) -> None:
    """Statements that run often are planned once, unless the next transaction may be another server connection's."""
    with db.hurried(_LOOK_S):
        if is_the_servers_own(db):
            db.prepare_threshold = _PREPARED_AFTER


def is_the_servers_own(db: PatientConnection) -> bool:
    """Whether no pooler stands in between: one answers the login with a number of its own for the process behind it."""
    row = db.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] == db.info.backend_pid
