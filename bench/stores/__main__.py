"""`./dev bench-stores`: fill each store, measure it, print the table, exit 1 when an aim is missed."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from tools.dev.servers import POSTGRES, REDIS, find

from . import machine, options, report, table
from .anatomy import Cost
from .house import HOUSES
from .measure import costs, questions, rates, readers
from .options import Options
from .progress import Progress
from .row import Row, exit_code


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    chosen = options.read(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    told = report.facts(rows=chosen.rows, rounds=chosen.rounds, versions=_versions(chosen), load=machine.load())
    rows: list[Row] = []
    spent: list[Cost] = []
    try:
        for name in chosen.stores:
            _run(name, chosen, rows, spent)
    except KeyboardInterrupt:
        print("interrupted; the servers have ended", file=sys.stderr)
        return 130
    _tell(chosen, told, rows, spent)
    return exit_code(rows)


def _run(name: str, chosen: Options, rows: list[Row], spent: list[Cost]) -> None:
    progress = Progress(name)
    progress.say(f"filling {chosen.rows:,} jobs")
    with HOUSES[name](chosen.rows, progress) as house:
        progress.say(f"filled {house.filled.jobs:,} jobs")
        rows += rates(house, chosen.rounds, chosen.share, progress)
        asked = questions(house)
        rows += readers(house, asked, chosen.rounds, progress)
        if name == "redis":
            spent += costs(house, asked)
    progress.say("done")


def _tell(chosen: Options, told: str, rows: list[Row], spent: list[Cost]) -> None:
    if chosen.is_json:
        print(json.dumps([row.as_data() for row in rows], indent=1))
    else:
        print(f"{told}\n{table.as_text(rows)}\n\n{table.summary(rows)}")
    if chosen.out is not None:
        chosen.out.write_text(report.text(told, rows, spent), encoding="utf-8")


def _versions(chosen: Options) -> str:
    needed = {"redis": REDIS, "postgres": POSTGRES}
    found = [find(needed[name]) for name in chosen.stores if name in needed]
    return machine.versions([program for program in found if program is not None])


def _end(_number: int, _frame: FrameType | None) -> None:
    """So that everything that was started ends on the way out."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
