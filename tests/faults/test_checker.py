"""The checker of the fault tests is itself checked: it must see each kind of broken promise."""

from pathlib import Path

import pytest

from core.model.states import State
from tests.faults import ledger
from tests.faults.checker import Kill, Loss, Verdict, check
from tests.faults.ledger import Run

DONE = {"a": State.COMPLETED}
ONE = Run("a", 1, 1, pid=100, started=10.0, ended=11.0)
AGAIN = Run("a", 2, 2, pid=200, started=20.0, ended=21.0)
KILL = Kill(100, "worker", 10.5)


def test_a_job_that_ran_once_is_fine() -> None:
    assert not _check([ONE]).violations


def test_a_job_that_was_hit_by_a_kill_may_run_again() -> None:
    verdict = _check([Run("a", 1, 1, 100, 10.0), AGAIN], [KILL], {1: 11.0})
    assert (verdict.violations, verdict.hits, verdict.recoveries) == ([], 1, [0.5])


def test_a_job_that_failed_may_run_again() -> None:
    assert not _check([Run("a", 1, 1, 100, 10.0, 11.0, failed=True), AGAIN]).violations


@pytest.mark.parametrize(
    ("runs", "kills", "returns", "word"),
    [
        ([], [], {}, "never ran"),
        ([ONE, AGAIN], [], {}, "for no reason"),
        ([ONE, AGAIN], [Kill(300, "worker", 10.5)], {}, "for no reason"),
        ([ONE, AGAIN], [Kill(100, "worker", 19.0)], {}, "for no reason"),
        ([ONE, Run("a", 1, 1, 200, 12.0)], [KILL], {}, "twice under one token"),
        ([Run("a", 1, 1, 100, 10.0), AGAIN], [KILL], {1: 40.0}, "29.5 s after a kill"),
        ([ONE], [], {1: 12.0}, "nobody killed"),
        ([Run("a", 1, 1, 100, 10.0)], [KILL], {}, "came to its end"),
    ],
)
def test_each_broken_promise_is_seen(runs: list[Run], kills: list[Kill], returns: dict[int, float], word: str) -> None:
    violations = _check(runs, kills, returns).violations
    assert any(word in violation for violation in violations), violations


def test_a_wrong_end_a_lost_job_and_a_stranger_are_seen() -> None:
    wrong = check(DONE, {"a": State.PENDING}, {"a": [ONE]}, [], {}, recovery_s=12)
    lost = check(DONE, {}, {"a": [ONE]}, [], {}, recovery_s=12)
    stranger = check(DONE, dict(DONE), {"a": [ONE], "b": [ONE]}, [], {}, recovery_s=12)
    assert [len(verdict.violations) for verdict in (wrong, lost, stranger)] == [1, 1, 1]


def test_the_ledger_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    for word, token in [("start", 1), ("start", 2), ("fail", 1), ("end", 2)]:
        ledger.write(str(path), word, "a", token, token)
    ledger.write(str(path), "start", "b", 3, 1)
    runs = ledger.read(path)
    assert [(run.token, run.failed, run.ended > 0) for run in runs["a"]] == [(1, True, True), (2, False, True)]
    assert runs["b"][0].ended == 0.0


def test_a_run_alone_may_be_hit_by_the_kill_of_the_worker_that_answers_for_it() -> None:
    alone = Run("a", 1, 1, pid=300, started=10.0, ended=10.4)
    held = check(DONE, dict(DONE), {"a": [alone, AGAIN]}, [KILL], {"a": {1: Loss(11.0, 100)}}, recovery_s=12)
    other = check(DONE, dict(DONE), {"a": [alone, AGAIN]}, [KILL], {"a": {1: Loss(11.0, 500)}}, recovery_s=12)
    assert (held.violations, held.hits) == ([], 1)
    assert len(other.violations) == 2


def test_a_run_alone_may_be_hit_by_the_kill_of_its_zygote() -> None:
    alone = Run("a", 1, 1, pid=300, started=10.0)
    for at, broken in ((10.5, 0), (5.0, 2)):
        kills = [Kill(400, "zygote", at)]
        verdict = check(DONE, dict(DONE), {"a": [alone, AGAIN]}, kills, {"a": {1: Loss(11.0)}}, recovery_s=12)
        assert len(verdict.violations) == broken


def _check(runs: list[Run], kills: list[Kill] | None = None, returns: dict[int, float] | None = None) -> Verdict:
    losses = {attempt: Loss(at, -1) for attempt, at in (returns or {}).items()}
    return check(DONE, dict(DONE), {"a": runs} if runs else {}, kills or [], {"a": losses}, recovery_s=12)
