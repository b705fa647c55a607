"""When what ended is worth a call, and what goes into it."""

import pytest

from core.worker.attempt import Finished
from core.worker.settlement import unknown_task
from core.worker.tray import GATHER_S, Tray
from tests.unit.worker.bench import Bench


def work() -> None:
    """Something to claim."""


@pytest.fixture
def tray() -> Tray:
    return Tray(most=4)


def test_alone_it_waits_a_moment_for_company(bench: Bench, tray: Tray) -> None:
    tray.add(_finished(bench), 10.0)
    assert tray.due(10.0, is_idle=False) is None
    assert tray.due(10.0 + GATHER_S, is_idle=False) == "default"


def test_nobody_else_will_come_while_nothing_runs(bench: Bench, tray: Tray) -> None:
    tray.add(_finished(bench), 10.0)
    assert tray.due(10.0, is_idle=True) == "default"


def test_half_a_call_does_not_wait(bench: Bench, tray: Tray) -> None:
    for _ in range(2):
        tray.add(_finished(bench), 10.0)
    assert tray.due(10.0, is_idle=False) == "default"


def test_a_call_takes_the_oldest_and_leaves_the_rest(bench: Bench, tray: Tray) -> None:
    made = [_finished(bench) for _ in range(6)]
    for finished in made:
        tray.add(finished, 10.0)
    assert tray.take("default") == (made[:4], [])
    assert len(tray) == 2
    assert tray.take("default") == (made[4:], [])
    assert not tray
    assert tray.due(99.0, is_idle=True) is None


def test_a_claim_that_nothing_was_started_for_goes_at_once(bench: Bench, tray: Tray) -> None:
    outcome = unknown_task(bench.claim(work))
    tray.add_strange("default", outcome)
    assert tray.due(0.0, is_idle=False) == "default"
    assert tray.take("default") == ([], [outcome])


def _finished(bench: Bench) -> Finished:
    return bench.settlement.completed(bench.attempt(bench.claim(work)), None)
