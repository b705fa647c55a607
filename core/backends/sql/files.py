"""The .sql files of a store: its statements by name, its migrations in order."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple


class Migration(NamedTuple):
    """One step of the schema; `number` is the schema's number once it has run."""

    number: int
    text: str


def statements(package: str) -> dict[str, str]:
    """`sql/*.sql` beside a package's modules, by name without ending and without the comments ahead of the SQL."""
    folder = files(package) / "sql"
    return {
        entry.name.removesuffix(".sql"): _without_head(entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }


def migrations(package: str) -> list[Migration]:
    """`sql/migrations/NNNN_what.sql`, lowest number first."""
    folder = files(package) / "sql" / "migrations"
    found = [
        Migration(int(entry.name[:4]), entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found)


def _without_head(text: str) -> str:
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line and not line.startswith("--"))
    return "\n".join(lines[start:]).strip().removesuffix(";")
