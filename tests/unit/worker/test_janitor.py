"""Rescue, release of held jobs, relay and trimming, each in bounded steps that may be repeated."""

from datetime import timedelta

import pytest
import structlog

from core.app import Jobs
from core.backends.contract import Exchange
from core.model.outcome import Outcome
from core.model.retention import Keep, Retention
from core.model.states import State
from core.model.worker import WorkerInfo
from core.worker import janitor as janitor_module
from core.worker.janitor import STALE_MS, Janitor
from core.worker.settlement import unknown_task
from tests.unit.worker.bench import Bench, HandClock


def work() -> None:
    """Something to claim."""


def forgotten() -> None:
    """A task that no worker knows any more."""


def test_a_job_whose_lease_ran_out_is_free_again(jobs: Jobs, bench: Bench, clock: HandClock) -> None:
    claim = bench.claim(work)
    janitor = _janitor(jobs)
    for _ in range(5):
        janitor.rescue()
        clock.move(7.5)
    job = bench.stored(claim)
    assert (job.state, job.losses) == (State.PENDING, 1)
    assert bench.lines(claim)[0].error_type == "WorkerDied"


def test_a_jump_of_the_clock_rescues_nobody(jobs: Jobs, bench: Bench, clock: HandClock) -> None:
    claim = bench.claim(work)
    janitor = _janitor(jobs)
    janitor.rescue()
    clock.move(3600)
    janitor.rescue()
    assert bench.stored(claim).state is State.RUNNING


def test_an_outage_is_told_in_one_line_for_all_queues(jobs: Jobs, bench: Bench, clock: HandClock) -> None:
    jobs.register("mail", work, queue="mail")
    jobs.enqueue("mail")
    bench.claim(work)
    janitor = _janitor(jobs)
    with structlog.testing.capture_logs() as lines:
        janitor.rescue()
        clock.move(60)
        janitor.rescue()
    assert [(line["log_level"], sorted(line["queues"])) for line in lines[1:]] == [("info", ["default", "mail"])]


def test_a_held_job_is_released_once_a_living_worker_knows_its_task(jobs: Jobs, bench: Bench, clock: HandClock) -> None:
    claim = bench.claim(work)
    _settle(jobs, unknown_task(claim))
    janitor = _janitor(jobs)
    janitor.release_held()
    assert bench.stored(claim).state is State.HELD
    jobs.backend.beat(WorkerInfo(id="a" * 32, tasks=("other",), queues=("default",)))
    jobs.backend.beat(WorkerInfo(id="b" * 32, tasks=("work",), queues=("elsewhere",)))
    jobs.backend.beat(WorkerInfo(id="c" * 32, tasks=("work",), role="services"))
    janitor.release_held()
    assert bench.stored(claim).state is State.HELD
    jobs.backend.beat(WorkerInfo(id="d" * 32, tasks=("work",)))
    janitor.release_held()
    assert bench.stored(claim).state is State.PENDING


def test_a_held_job_behind_many_that_nobody_knows_is_reached_in_time(
    jobs: Jobs, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor_module, "HELD_PAGES", 2)
    monkeypatch.setattr(janitor_module, "HELD_A_PAGE", 2)
    for _ in range(5):
        claim = bench.claim(forgotten)
        _settle(jobs, unknown_task(claim))
    behind = bench.claim(work)
    _settle(jobs, unknown_task(behind))
    jobs.backend.beat(WorkerInfo(id="d" * 32, tasks=("work",)))
    janitor = _janitor(jobs)
    janitor.release_held()
    janitor.release_held()
    assert bench.stored(behind).state is State.PENDING
    before = bench.claim_next()
    _settle(jobs, unknown_task(before))
    janitor.release_held()
    janitor.release_held()
    assert bench.stored(before).state is State.PENDING, "the walk begins again"


def test_a_job_held_for_another_reason_stays(jobs: Jobs, bench: Bench) -> None:
    claim = bench.claim(work)
    _settle(jobs, Outcome(raw=claim.raw, token=claim.token, state=State.HELD, reason="waits for a limit"))
    jobs.backend.beat(WorkerInfo(id="d" * 32, tasks=("work",)))
    _janitor(jobs).release_held()
    assert bench.stored(claim).state is State.HELD


def test_finished_jobs_beyond_retention_go(jobs: Jobs, bench: Bench, clock: HandClock) -> None:
    for _ in range(5):
        claim = bench.claim(work)
        _settle(jobs, Outcome(raw=claim.raw, token=claim.token, state=State.COMPLETED))
        clock.move(1)
    janitor = _janitor(jobs, Retention(completed=Keep(2, timedelta(days=1))))
    janitor.trim()
    assert len(jobs.recent(limit=10)) == 2


def test_workers_that_are_silent_for_long_are_struck_from_the_register(jobs: Jobs, clock: HandClock) -> None:
    jobs.backend.beat(WorkerInfo(id="a" * 32))
    clock.move(STALE_MS / 1000 + 1)
    jobs.backend.beat(WorkerInfo(id="b" * 32))
    _janitor(jobs).forget_stale()
    assert [info.id for info in jobs.backend.workers()] == ["b" * 32]


def _janitor(jobs: Jobs, retention: Retention | None = None) -> Janitor:
    janitor = Janitor(jobs, retention=retention)
    janitor._queues = jobs.backend.counts()
    return janitor


def _settle(jobs: Jobs, outcome: Outcome) -> None:
    number = jobs.backend.counts()[0].processed + 1000 + outcome.token
    assert not jobs.backend.exchange(
        Exchange(queue="default", worker="e" * 32, call=number, outcomes=[outcome])
    ).refused
