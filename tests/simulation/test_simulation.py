"""Histories by seeds: every promise is held in each of them, and no planted bug gets through."""

import os
import random
import time
from collections import Counter

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.history import simulate

SEED, HISTORIES = "JOBS_SIMULATION_SEED", 500
AT_MOST = 400  # histories in which a planted bug has to show itself


def test_every_promise_is_held_in_histories_that_chance_writes() -> None:
    first = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 32))
    print(f"{SEED}={first}; python -m tests.simulation {first} {HISTORIES}")
    began, facts = time.monotonic(), Counter[str]()
    for seed in range(first, first + HISTORIES):
        outcome = simulate(seed)
        facts.update(outcome.facts)
        assert not outcome.violations, f"python -m tests.simulation {seed}"
    print(f"{HISTORIES} histories in {time.monotonic() - began:.1f} s: {dict(facts)}")
    for fault in ("kills", "stopped", "links cut", "clock jumps", "replies lost", "taken over", "settles refused"):
        assert facts[fault] > 0, f"no {fault}: these histories show little"


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str) -> None:
    caught = next((seed for seed in range(AT_MOST) if simulate(seed, bug).violations), None)
    assert caught is not None, f"{AT_MOST} histories with {bug!r} look sound"
    print(f"{bug}: caught by seed {caught}: {simulate(caught, bug).violations[0]}")


def test_there_are_eight_planted_bugs() -> None:
    assert len(set(BUGS)) == 8


def test_a_seed_is_one_history() -> None:
    assert simulate(7) == simulate(7)
    assert simulate(7).facts != simulate(8).facts
