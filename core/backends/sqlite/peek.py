"""The number of a file's schema, read without changing it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from urllib.parse import quote

from ...errors import StoreUnavailable
from ..sql.files import migrations
from .location import path_of


def schema_at(url: str) -> tuple[int, int]:
    """The schema that is there (0: none yet) and the newest that is known. Raises StoreUnavailable."""
    path, _ = path_of(url)
    newest = migrations(__package__)[-1].number
    if not path.exists():
        return 0, newest
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0]), newest
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be read: {error}") from error
