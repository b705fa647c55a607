"""The statements of this store, read once from sql/*.sql; those that take a list are prepared for few lengths."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from ..sql.files import statements

SQL: Final = statements(__package__)

_LENGTHS = (8, 64, 256)


def having(statement: str, needles: int) -> str:
    """A statement with `/* having */`, asking for so many byte strings; each is bound twice."""
    return statement.replace("/* having */", "AND (instr(arguments, ?) OR instr(options, ?)) " * needles)


class Listed:
    """A statement with `IN (/* list */)`. Shorter lists are filled with their last item, longer ones are cut up."""

    def __init__(self, name: str) -> None:
        self._texts = {n: SQL[name].replace("/* list */", ", ".join("?" * n)) for n in _LENGTHS}

    def rows(self, db: sqlite3.Connection, head: Sequence[object], items: Sequence[object]) -> list[Any]:
        """All rows; `head` binds the placeholders ahead of the list."""
        found: list[Any] = []
        for start in range(0, len(items), _LENGTHS[-1]):
            part = items[start : start + _LENGTHS[-1]]
            length = next(n for n in _LENGTHS if n >= len(part))
            filling = [part[-1]] * (length - len(part))
            found += db.execute(self._texts[length], (*head, *part, *filling)).fetchall()
        return found
