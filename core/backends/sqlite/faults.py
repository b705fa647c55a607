"""What SQLite's errors mean to a caller, in a sentence that says what to do next."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from ...errors import StoreError, StoreFull, StoreUnavailable

_PRIMARY = 0xFF  # extended codes keep their family in the lowest byte

_SENTENCES: Final = {
    sqlite3.SQLITE_BUSY: "another process has held {path} for too long; see which one with `fuser {path}`",
    sqlite3.SQLITE_LOCKED: "another process has held {path} for too long; see which one with `fuser {path}`",
    sqlite3.SQLITE_READONLY: "{path} or its folder is read-only; make both writable for this user",
    sqlite3.SQLITE_PERM: "this user may not open {path}; make it readable and writable for this user",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened; does its folder exist, and may this user write there?",
    sqlite3.SQLITE_IOERR: "the disk under {path} fails; look at the system's log before going on",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged; stop all processes, keep a copy, restore it or run `.recover`",
    sqlite3.SQLITE_NOTADB: "{path} is not a store of jobs; point to another file, or move this one away",
}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether waiting helps."""
    return _family(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def told(error: sqlite3.Error, path: Path) -> StoreError:
    """The same fault as an error of ours; its cause is to be kept with `from`."""
    if _family(error) == sqlite3.SQLITE_FULL:
        return StoreFull(
            f"the disk is full under {path}; make room there: nothing is lost, and all goes on by itself ({error})"
        )
    sentence = _SENTENCES.get(_family(error), "{path} cannot be used now")
    return StoreUnavailable(f"{sentence.format(path=path)} ({error})")


def vanished(path: Path) -> StoreUnavailable:
    return StoreUnavailable(
        f"{path} was removed or replaced while it was in use; put it back, or restart this process to begin anew"
    )


def _family(error: sqlite3.Error) -> int:
    code = getattr(error, "sqlite_errorcode", None)  # absent on errors that Python's module raises itself
    return code & _PRIMARY if isinstance(code, int) else -1
