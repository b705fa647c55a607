"""The open file of one process: its writer, its readers, and what watches over them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ...errors import StoreUnavailable
from ...model.clock import Clock
from .checkpoint import Checkpointer
from .connection import connect_reader, connect_writer
from .courtesy import Courtesy
from .faults import told, vanished
from .location import FileIdentity, identity, prepare
from .readers import Readers
from .schema import prepare_schema
from .transaction import Transaction
from .wakeup import Wakeup
from .writer import Writer

T = TypeVar("T")


class Database:
    """Opens in its constructor; belongs to the process that opened it."""

    def __init__(self, path: Path, *, clock: Clock, synchronous: str, expected: FileIdentity | None) -> None:
        if expected is not None and identity(path) != expected:
            raise vanished(path)  # this store was open before: an empty file in its place would hide the loss
        prepare(path)
        self._path = path
        self.pid = os.getpid()
        with self._translated():
            db = connect_writer(path, synchronous)
            try:
                self.store_id = prepare_schema(db, path, clock.now_ms())
            except BaseException:
                db.close()
                raise
        found = identity(path)
        if found is None:
            raise vanished(path)
        self.identity = found
        self._db = db
        self._courtesy = Courtesy(path)
        self._writer = Writer(db, clock, self._courtesy, check=self.check)
        self._readers = Readers(lambda: connect_reader(path))
        self._wakeup = Wakeup()
        self._checkpointer = Checkpointer(path, self._courtesy)
        self.is_closed = False

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a work in a transaction that is on disk when this returns."""
        with self._translated():
            answer = self._writer.run(work)
            if self._checkpointer.is_needed():
                self._writer.alone(self._checkpointer.run)
        self._wakeup.announce()
        return answer

    def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Look at one moment of the store."""
        self.check()
        with self._translated(), self._readers.snapshot() as db:
            return look(db)

    def sleep(self, is_ready: Callable[[sqlite3.Connection, bool], bool], timeout_s: float) -> None:
        """Until `is_ready(connection, something was written)` or the time is over."""
        self.check()
        with self._translated(), self._readers.lent() as db:
            self._wakeup.sleep(db, lambda is_written: is_ready(db, is_written), timeout_s)

    def check(self) -> None:
        """Raise StoreUnavailable unless this is open and its file still lies where it was."""
        if self.is_closed:
            raise StoreUnavailable(f"{self._path} was closed; call open() again")
        if identity(self._path) != self.identity:
            raise vanished(self._path)

    def close(self) -> None:
        """Wake the sleepers, let the writer finish, close every connection. Repeatable."""
        if not self.is_closed:
            self.is_closed = True
            self._wakeup.close()
            self._readers.close()
            self._writer.alone(sqlite3.Connection.close)
            self._courtesy.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise told(error, self._path) from error
