"""One connection to the file, set up the same way everywhere."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from ..sql.codec import with_line
from .faults import is_busy

PATIENCE_S: Final = 30.0  # how long the write lock is waited for before a caller hears of it
NAP_S: Final = 0.0005  # between two attempts
_READ_PATIENCE_S: Final = 2.0  # readers wait for nobody but the one who repairs the log after a crash
_CACHED_STATEMENTS: Final = 256
_WRITER_CACHE_KIB: Final = 16 * 1024

T = TypeVar("T")


def connect_writer(path: Path, synchronous: str) -> sqlite3.Connection:
    """The one connection of a process that writes; put the file into WAL mode with it."""
    db = _connect(path)
    try:
        patiently(lambda: db.execute("PRAGMA journal_mode = WAL"))
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute("PRAGMA wal_autocheckpoint = 0")  # see checkpoint.py
        db.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
        db.create_function("with_line", 2, with_line, deterministic=True)
    except BaseException:
        db.close()
        raise
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only looks."""
    db = _connect(path)
    db.execute("PRAGMA query_only = 1")
    db.execute(f"PRAGMA busy_timeout = {int(_READ_PATIENCE_S * 1000)}")
    return db


def patiently(step: Callable[[], T]) -> T:
    """Do what may find the file locked again and again, until PATIENCE_S have passed.

    SQLite's own busy handler sleeps up to 100 ms at a time, and is not asked at all where waiting might deadlock;
    short random naps share one lock more evenly between processes.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return step()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
        time.sleep(NAP_S * random.uniform(0.5, 1.5))  # noqa: S311 - spreads waiters, hides nothing


def _connect(path: Path) -> sqlite3.Connection:
    """mode=rw: a file that vanished is never made anew by opening it."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
