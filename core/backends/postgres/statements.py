"""The statements of this store, read once from sql/*.sql and written for the schema that a store lies in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ...model.states import State
from ..sql.codec import CODES
from ..sql.files import Migration, migrations, statements

_SCHEMA: Final = re.compile(r"\bjobs\.")
_TEXTS: Final = statements(__package__)
_MIGRATIONS: Final = migrations(__package__)


class Statements:
    """Statements by name, in one schema: every character is from a file of this package or a checked schema name."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self._texts = {name: _SCHEMA.sub(f"{schema}.", text) for name, text in _TEXTS.items()}

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def filled(self, name: str, **parts: str | int) -> str:
        """A statement with its {parts}, which are numbers, dates and keywords, never input."""
        text = self._texts[name]
        for part, value in parts.items():
            text = text.replace(f"{{{part}}}", str(value))
        return text

    def page(self, state: State, *, descending: bool) -> str:
        """The walk of a state's pages in one direction."""
        name = "page_finished" if state.is_final else "page_running" if state is State.RUNNING else "page_live"
        beyond, way = ("<", "DESC") if descending else (">", "ASC")
        return self.filled(name, state=CODES[state], beyond=beyond, way=way)

    def migrations(self) -> list[Migration]:
        """Every step of the schema, lowest number first."""
        return [Migration(step.number, _SCHEMA.sub(f"{self.schema}.", step.text)) for step in _MIGRATIONS]


@lru_cache(maxsize=32)
def statements_of(schema: str) -> Statements:
    return Statements(schema)
