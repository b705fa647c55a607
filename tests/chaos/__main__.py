"""Run the rows: python -m tests.chaos [--scale 0.1] [--seed N] [--row NAME ...]; exit code 1 when one is not held."""

import argparse
import os
import platform
import random
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.chaos.field import a_field
from tests.chaos.finding import Finding, totals
from tests.chaos.rows import ROWS

SHOWN = 5  # violations of a row


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev chaos")
    parser.add_argument("--scale", type=float, default=1.0, help="of the sizes: 1 is 10,000 jobs and 200 kills a store")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this one; may be given several times")
    given = parser.parse_args(arguments)
    machine = f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(f"seed {given.seed}, scale {given.scale:g}, {datetime.now(UTC):%Y-%m-%d}, {machine}", flush=True)
    print("| fault | tried | held | figure |\n|---|---|---|---|", flush=True)
    findings = {name: _try(name, given.seed, given.scale) for name in given.row or ROWS}
    print(f"\n{totals(list(findings.values()))}")
    broken = [name for name, finding in findings.items() if not finding.is_held]
    for name in broken:
        again = f"./dev chaos --seed {given.seed} --scale {given.scale:g} --row '{name}'"
        print(f"\nNOT HELD: {name}; again: {again}")
        print("\n".join(f"  {violation}" for violation in findings[name].violations[:SHOWN]))
    return 1 if broken else 0


def _try(name: str, seed: int, scale: float) -> Finding:
    began = time.monotonic()
    try:
        with a_field(f"{seed} {name}", scale) as field:
            finding = ROWS[name](field)
    except Exception as error:
        finding = Finding("tries", tried=1, violations=[f"{error!r}\n{traceback.format_exc()}"])
    figure = finding.figure + ("; " if finding.figure else "") + f"took {time.monotonic() - began:.0f} s"
    print(f"| {name} | {finding.tried:,} {finding.unit} | {finding.held:,} | {figure} |", flush=True)
    return finding


if __name__ == "__main__":
    sys.exit(main())
