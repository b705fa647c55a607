"""The table as text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from .row import Row
from .series import Series

HEAD = ("store", "what", "unit", "ours min / median / max", "bare min / median / max", "ratio", "aim", "figure", "")


def cells(row: Row) -> tuple[str, ...]:
    """What a row shows, column by column."""
    verdict = row.verdict
    return (
        row.store,
        row.what,
        row.unit,
        _spread(row.ours),
        "" if row.bare is None else _spread(row.bare),
        "" if row.ratio is None else f"{row.ratio:.2f}x",
        "" if row.aim is None else row.aim.text,
        "" if verdict is None else verdict.figure,
        "" if verdict is None else "ok" if verdict.is_met else "missed",
    )


def as_text(rows: Sequence[Row]) -> str:
    """Columns in line, for a terminal."""
    lines = [HEAD, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(_line(line, widths) for line in lines)


def as_markdown(rows: Sequence[Row]) -> str:
    lines = [_piped(HEAD), "|" + "---|" * len(HEAD)]
    return "\n".join([*lines, *(_piped(cells(row)) for row in rows)])


def summary(rows: Sequence[Row]) -> str:
    """One sentence for all of them."""
    judged = [row for row in rows if row.aim is not None]
    missed = [row for row in judged if row.is_missed]
    if not missed:
        return f"all {len(judged)} aims met"
    names = "; ".join(f"{row.store}: {row.what}" for row in missed)
    return f"{len(missed)} of {len(judged)} aims missed: {names}"


def _spread(series: Series) -> str:
    return " / ".join(_number(value) for value in (series.low, series.median, series.high))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def _piped(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"
