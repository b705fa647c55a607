"""Letting another process write first when it has been waiting, since SQLite's lock has no queue."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from .connection import NAP_S, patiently
from .faults import is_busy
from .location import open_lock_file

_RECENTLY_S: Final = 0.02


class Courtesy:
    """Without it whoever has just committed takes the lock again while the others nap: one process does all the work.

    Who waits holds a shared file lock meanwhile. Who wrote a moment ago looks for such a lock, and steps back for
    about as long as a nap takes. Nobody ever blocks on it: a process that is stopped while it waits costs the others
    these naps, not their progress.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = open_lock_file(path, "waiting")
        self._wrote = 0.0

    def begin(self, db: sqlite3.Connection) -> None:
        """Open a write transaction; raises sqlite3.OperationalError when the lock was not to be had."""
        if time.monotonic() - self._wrote < _RECENTLY_S and self._is_someone_waiting():
            time.sleep(2 * NAP_S)
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            with self.waiting():
                patiently(lambda: db.execute("BEGIN IMMEDIATE"))

    def wrote(self) -> None:
        self._wrote = time.monotonic()

    def close(self) -> None:
        os.close(self._descriptor)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Be seen as one who waits, meanwhile."""
        with suppress(BlockingIOError):  # somebody is looking just now: going unseen costs a nap or two
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _is_someone_waiting(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return False
