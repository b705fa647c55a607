"""Ends: asked for, cut short, forced; and the children of a supervisor that is gone."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from core.app import Jobs
from core.model.states import State
from tests.faults import ledger
from tests.faults.application import open_jobs
from tests.faults.fleet import Fleet, children, is_alive, wait_until

LEASE_S = 2.0

pytestmark = [pytest.mark.serial, pytest.mark.timeout(90)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_runs_finishes_and_what_waits_goes_back(
    store_url: str, fleet_on: Callable[..., Fleet], number: signal.Signals
) -> None:
    """Longer than a lease, so that it is renewed while the process ends."""
    fleet, jobs = _start(fleet_on, store_url, "--processes", "1", "--concurrency", "2")
    handles = [jobs.enqueue("nap", seconds=LEASE_S * 1.5) for _ in range(6)]
    wait_until(lambda: len(ledger.read(fleet.ledger)) == 2, seconds=20, what="two handlers running")
    supervisor = fleet.processes[0]
    began = time.monotonic()
    os.kill(supervisor.pid, number)
    assert supervisor.wait(30) == 0
    print(f"{jobs.backend.features.name}: ended {time.monotonic() - began:.1f} s after {number.name}")
    states = sorted(str(_state(jobs, handle.id)) for handle in handles)
    assert states == ["completed"] * 2 + ["pending"] * 4
    assert all(jobs.get(handle.id).attempts == 0 for handle in handles if _state(jobs, handle.id) is State.PENDING)
    assert all(run.ended for runs in ledger.read(fleet.ledger).values() for run in runs)
    assert not fleet.survivors()
    assert "Traceback" not in fleet.log
    assert jobs.backend.workers() == []
    jobs.close()


def test_a_second_signal_cuts_the_grace_period_short(sqlite_url: str, fleet_on: Callable[..., Fleet]) -> None:
    fleet, jobs = _start(fleet_on, sqlite_url, "--processes", "1", "--grace", "60")
    job = jobs.enqueue("spin", seconds=60)
    wait_until(lambda: ledger.read(fleet.ledger), seconds=20, what="the handler's start")
    supervisor = fleet.processes[0]
    supervisor.terminate()
    wait_until(lambda: "stopping" in fleet.log, seconds=10, what="the first signal heard")
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert _state(jobs, job.id) is State.PENDING
    found = jobs.get(job.id)
    assert found is not None
    assert found.tries == 0, "a stop uses up no try"
    assert not fleet.survivors()
    jobs.close()


def test_a_handler_deaf_to_the_end_of_grace_is_left_to_others(sqlite_url: str, fleet_on: Callable[..., Fleet]) -> None:
    fleet, jobs = _start(fleet_on, sqlite_url, "--processes", "1", "--grace", "0.5")
    request = jobs.registry.find("deaf").using(timeout=60).request(seconds=60)
    job = jobs.enqueue(request)
    wait_until(lambda: ledger.read(fleet.ledger), seconds=20, what="the handler's start")
    supervisor = fleet.processes[0]
    supervisor.terminate()
    assert supervisor.wait(30) == 0
    found = jobs.get(job.id)
    assert found is not None
    assert (found.state, found.tries) == (State.PENDING, 0)
    assert not fleet.survivors()
    jobs.close()


def test_a_burst_ends_when_nothing_is_due(store_url: str, fleet_on: Callable[..., Fleet]) -> None:
    jobs = open_jobs(store_url, lease_s=LEASE_S)
    done = [jobs.enqueue("nap", seconds=0.05) for _ in range(50)]
    again = jobs.enqueue("flaky", seconds=0)
    later = jobs.enqueue(jobs.registry.find("nap").using(delay=3600).request(seconds=0))
    fleet = fleet_on(store_url, "--lease", str(LEASE_S), "--burst")
    assert fleet.start().wait(40) == 0
    assert {_state(jobs, handle.id) for handle in [*done, again]} == {State.COMPLETED}
    assert _state(jobs, later.id) is State.SCHEDULED
    assert not fleet.survivors()
    jobs.close()


def test_a_store_of_one_process_is_refused_in_a_sentence(fleet_on: Callable[..., Fleet]) -> None:
    fleet = fleet_on("memory://")
    assert fleet.start().wait(30) == 1
    assert "Jobs.start()" in fleet.log
    assert "Traceback" not in fleet.log
    assert not fleet.survivors()


def test_children_of_a_killed_supervisor_finish_and_end(sqlite_url: str, fleet_on: Callable[..., Fleet]) -> None:
    fleet, jobs = _start(fleet_on, sqlite_url, "--processes", "2")
    job = jobs.enqueue("nap", seconds=LEASE_S * 1.5)
    wait_until(lambda: ledger.read(fleet.ledger), seconds=20, what="the handler's start")
    supervisor = fleet.processes[0]
    family = children(supervisor.pid)
    supervisor.kill()
    supervisor.wait(10)
    took = wait_until(lambda: not any(map(is_alive, family)), seconds=30, what="the children's end")
    print(f"the last child ended {took:.1f} s after its supervisor was killed")
    assert _state(jobs, job.id) is State.COMPLETED
    assert len(ledger.read(fleet.ledger)[job.id]) == 1
    jobs.close()


def test_signals_at_any_moment_of_a_start_leave_no_traceback(sqlite_url: str, fleet_on: Callable[..., Fleet]) -> None:
    seed = int(os.environ.get("JOBS_FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"JOBS_FAULTS_SEED={seed}")
    chance = random.Random(seed)
    fleet = fleet_on(sqlite_url, "--processes", "1", "--lease", str(LEASE_S))
    started = [fleet.start() for _ in range(4)]
    wait_until(lambda: fleet.log.count("supervisor started") == 4, seconds=30, what="supervisors")
    for process in started:
        time.sleep(chance.uniform(0, 0.1))
        os.kill(process.pid, chance.choice([signal.SIGTERM, signal.SIGINT]))
    assert [process.wait(40) for process in started] == [0] * 4
    assert not fleet.survivors()
    assert "Traceback" not in fleet.log


def _start(fleet_on: Callable[..., Fleet], url: str, *options: str) -> tuple[Fleet, Jobs]:
    jobs = open_jobs(url, lease_s=LEASE_S)
    fleet = fleet_on(url, "--lease", str(LEASE_S))
    fleet.start_and_wait(*options)
    return fleet, jobs


def _state(jobs: Jobs, job: str) -> State | None:
    found = jobs.get(job)
    return None if found is None else found.state
