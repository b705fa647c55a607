"""Moving the write-ahead log into the file once it has grown, by one process at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from ...errors import StoreUnavailable
from .courtesy import Courtesy
from .location import open_lock_file, size

WAL_BYTES: Final = 16 * 1024 * 1024
_RETRY_S: Final = 1.0
_PATIENCE_S: Final = 0.5
_ATTEMPT_MS: Final = 10  # within it SQLite tries at 0, 1, 3 and 8 ms


class Checkpointer:
    """SQLite's automatic checkpoint never resets a log that several processes keep writing to: it grows without end.

    So whoever finds it too large moves it (PASSIVE: nobody waits), then cuts it off (TRUNCATE: writers wait for
    the few pages that came meanwhile). The file lock keeps others from trying the same at once.
    """

    def __init__(
        self, path: Path, courtesy: Courtesy, *, wal_bytes: int = WAL_BYTES, retry_s: float = _RETRY_S
    ) -> None:
        self._wal = path.with_name(path.name + "-wal")
        self._path = path
        self._courtesy = courtesy
        self._wal_bytes = wal_bytes
        self._retry_s = retry_s
        self._not_before = 0.0

    def is_needed(self) -> bool:
        return size(self._wal) > self._wal_bytes and time.monotonic() >= self._not_before

    def run(self, db: sqlite3.Connection) -> bool:
        """Whether the log was moved and cut. A failure (a long reader, a full disk) is tried again after a while:
        the transaction before it is on disk already and must not seem to have failed."""
        if not self.is_needed():
            return False  # another thread was first
        self._not_before = time.monotonic() + self._retry_s
        try:
            moved = self._move(db)
        except (BlockingIOError, StoreUnavailable, sqlite3.Error):
            return False
        if moved:
            self._not_before = 0.0
        return moved

    def _move(self, db: sqlite3.Connection) -> bool:
        descriptor = open_lock_file(self._path, "checkpoint")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises BlockingIOError while another is at it
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return self._cut(db)
        finally:
            os.close(descriptor)

    def _cut(self, db: sqlite3.Connection) -> bool:
        """Needs a moment in which nobody writes or reads: the others are asked to step back for it."""
        db.execute(f"PRAGMA busy_timeout = {_ATTEMPT_MS}")
        until = time.monotonic() + _PATIENCE_S
        try:
            with self._courtesy.waiting():
                while db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    if time.monotonic() > until:
                        return False
            return True
        finally:
            db.execute("PRAGMA busy_timeout = 0")
