"""What may be typed behind `./dev bench-stores`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .house import HOUSES

ROWS, ROUNDS = 1_000_000, 5
REPORT = Path(__file__).resolve().parent.parent / "STORES.md"


@dataclass(frozen=True)
class Options:
    """stores: which, in this order. out: where the report goes, or None."""

    stores: tuple[str, ...]
    rows: int
    rounds: int
    is_json: bool
    out: Path | None

    @property
    def share(self) -> float:
        """Of the usual number of calls in a round: a small store would run empty."""
        return min(1.0, self.rows / ROWS)


def read(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="./dev bench-stores",
        description="Fills each store and measures it beside bare commands. Exits 1 when an aim is missed.",
    )
    parser.add_argument("--stores", default=",".join(HOUSES), help=f"of: {', '.join(HOUSES)} (default: all)")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"jobs in each store (default {ROWS:,})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of every measurement (default {ROUNDS})")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON instead of the table")
    parser.add_argument("--out", type=Path, help="write the report here (default: bench/STORES.md, if nothing is cut)")
    found = parser.parse_args(arguments)
    stores = tuple(name for name in found.stores.split(",") if name)
    unknown = sorted(set(stores) - HOUSES.keys())
    if unknown or not stores:
        parser.error(f"there is no store {', '.join(unknown)!r}; there are {', '.join(HOUSES)}")
    if found.rows < 10_000 or found.rounds < 1:
        parser.error("--rows is at least 10000, --rounds at least 1")
    is_whole = set(stores) == HOUSES.keys() and found.rows >= ROWS and found.rounds >= ROUNDS
    out = found.out or (REPORT if is_whole else None)
    return Options(stores, found.rows, found.rounds, found.json, out)
