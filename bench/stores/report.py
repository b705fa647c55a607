"""bench/STORES.md: what one whole run printed, and what it ran on."""

from __future__ import annotations

from collections.abc import Sequence

from . import anatomy, machine, table
from .anatomy import Cost
from .row import Row

HEAD = """\
# The stores alone

Written by `./dev bench-stores`. What each column means, what the bare rivals do and how it is measured is in
[README.md](README.md); figures of other machines differ, ratios less so.
"""


def facts(*, rows: int, rounds: int, versions: str, load: float) -> str:
    """What was measured, where and when."""
    return (
        f"* {machine.today()}, {rows:,} jobs in each store, {rounds} rounds\n"
        f"* {machine.cpu()}; load when it began {load:.1f} (other work on the machine)\n"
        f"* {versions}\n"
    )


def text(told: str, rows: Sequence[Row], costs: Sequence[Cost]) -> str:
    """The whole file."""
    parts = [HEAD, told, f"**{table.summary(rows)}**\n", table.as_markdown(rows) + "\n"]
    if costs:
        parts += ["## What Redis spent by its own account\n", anatomy.as_markdown(list(costs)) + "\n"]
    return "\n".join(parts)
