"""Bringing a file to the schema of this version, and refusing one that is newer or not ours."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...errors import StoreFormatError, StoreUnavailable
from ..contract import FORMAT
from ..sql.files import migrations
from .connection import patiently

APPLICATION_ID: Final = 0x4A4F4253  # "JOBS" in the file's header: tells our files from other people's
_MIGRATIONS: Final = migrations(__package__)


def prepare_schema(db: sqlite3.Connection, path: Path, now_ms: int) -> str:
    """Create or upgrade the schema in one transaction; answers the store's id."""
    patiently(lambda: db.execute("BEGIN IMMEDIATE"))
    try:
        current = _refuse_others(db, path)
        for step in _MIGRATIONS:
            if step.number > current:
                _run(db, step.text)
                db.execute(f"PRAGMA user_version = {step.number}")
        if current == 0:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute("INSERT INTO store VALUES (?, ?, ?)", (uuid.uuid4().hex, FORMAT, now_ms))
        store_id = db.execute("SELECT id FROM store").fetchone()[0]
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return str(store_id)


def _refuse_others(db: sqlite3.Connection, path: Path) -> int:
    """The number of the schema, 0 in an empty file. An application's own database is not a store: never mix the two."""
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return 0
    if _pragma(db, "application_id") != APPLICATION_ID:
        raise StoreUnavailable(f"{path} belongs to another application; give the store a file of its own")
    found = db.execute("SELECT format FROM store").fetchone()[0]
    if found > FORMAT:
        raise StoreFormatError(f"{path} holds format {found} and this version knows {FORMAT}: upgrade this process")
    return _pragma(db, "user_version")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def _run(db: sqlite3.Connection, script: str) -> None:
    """Not executescript, which would commit first."""
    for statement in _split(script):
        db.execute(statement)


def _split(script: str) -> Iterator[str]:
    """Statement by statement; a semicolon inside a trigger does not end one."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
