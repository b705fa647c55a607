"""Tables for a terminal: columns as wide as what they hold, nothing in them that could move the cursor."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jobs_dashboard.log_format import harmless


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> str:
    """head and rows as lines; right: the columns of numbers."""
    clean = [[harmless(cell) for cell in row] for row in [list(head), *rows]]
    widths = [max(len(row[column]) for row in clean) for column in range(len(head))]
    return "\n".join(_line(row, widths, right) for row in clean)


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values, one pair a line; empty values are left out."""
    told = [(name, harmless(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in told), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in told)


def _line(row: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    cells = [
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
