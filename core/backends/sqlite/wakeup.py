"""Learning that something was written: at once within a process, within 20 ms from another one."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Final

POLL_S: Final = 0.02


class Wakeup:
    """Writers announce; sleepers look at `data_version`, which changes with every commit of any process."""

    def __init__(self) -> None:
        self._written = threading.Condition()
        self._count = 0
        self._is_closed = False

    def announce(self) -> None:
        with self._written:
            self._count += 1
            self._written.notify_all()

    def close(self) -> None:
        """Wake everyone for good."""
        self._is_closed = True
        self.announce()

    def sleep(self, db: sqlite3.Connection, is_ready: Callable[[bool], bool], timeout_s: float) -> None:
        """Until `is_ready(something was written)` or the time is over. db: a connection that nobody else uses."""
        until = time.monotonic() + timeout_s
        version = -1
        while not self._is_closed:
            count, seen = self._count, version
            version = db.execute("PRAGMA data_version").fetchone()[0]
            left = until - time.monotonic()
            if is_ready(version != seen) or left <= 0:
                return
            with self._written:
                if self._count == count:
                    self._written.wait(min(left, POLL_S))
