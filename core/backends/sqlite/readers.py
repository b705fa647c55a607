"""The connections that look: lent one at a time, a few kept for the next."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_KEPT: Final = 4


class Readers:
    """A pool that grows with the threads that read at once and keeps a few."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._idle: deque[sqlite3.Connection] = deque()
        self._is_closed = False

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """A connection of the caller's own for a while."""
        try:
            db = self._idle.pop()
        except IndexError:
            db = self._connect()
        try:
            yield db
        finally:
            self._take_back(db)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one moment of the store, whatever is written meanwhile."""
        with self.lent() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    def close(self) -> None:
        """Close those at rest now, and those that are lent when they come back."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    def _take_back(self, db: sqlite3.Connection) -> None:
        if self._is_closed or db.in_transaction or len(self._idle) >= _KEPT:
            db.close()
        else:
            self._idle.append(db)
