"""Replay histories: python -m tests.simulation SEED [COUNT] [--bug NAME]."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.bugs import BUGS
from tests.simulation.history import simulate


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--bug", default="", choices=["", *BUGS])
    given = parser.parse_args()
    began, facts, broken = time.monotonic(), Counter[str](), 0
    for seed in range(given.seed, given.seed + given.count):
        outcome = simulate(seed, given.bug)
        facts.update(outcome.facts)
        broken += bool(outcome.violations)
        for violation in outcome.violations:
            print(f"seed {seed}: {violation}")
    told = ", ".join(f"{n} {what}" for what, n in sorted(facts.items()))
    print(f"{given.count} histories in {time.monotonic() - began:.1f} s, {broken} broken: {told}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
