"""Rescue, release of held jobs, relay and trimming, each in bounded steps that may be repeated."""

from datetime import timedelta

import structlog

from core.app import Jobs
from core.backends.contract import Exchange
from core.model.outcome import Outcome
from core.model.retention import Keep, Retention
from core.model.states import State
from core.model.worker import WorkerInfo
from core.worker.janitor import STALE_MS, Janitor
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
