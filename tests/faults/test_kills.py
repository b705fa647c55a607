"""2,000 jobs while workers, keepers, services and supervisors are killed: every job ends once."""

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
from tests.faults.campaign import Campaign, new_seed
from tests.faults.fleet import Fleet, wait_until

JOBS, KILLS = 2_000, 20
LEASE_S = 2.0

pytestmark = [pytest.mark.serial, pytest.mark.slow, pytest.mark.timeout(150)]


def test_every_job_ends_once_whatever_is_killed(store_url: str, fleet_on: Callable[..., Fleet]) -> None:
    fleet = fleet_on(store_url, "--processes", "2", "--concurrency", "8", "--lease", str(LEASE_S))
    jobs = open_jobs(store_url, lease_s=LEASE_S)
    fleet.start_and_wait(workers=2)
    campaign = Campaign(fleet, jobs, random.Random(new_seed()), LEASE_S)
    campaign.run(JOBS, KILLS)
    campaign.settle_down(60)
    verdict = campaign.verdict()
    print(f"{jobs.backend.features.name}: {len(campaign.kills)} kills, {verdict}")
    jobs.close()
    assert not verdict.violations
    assert verdict.hits >= 10, "the kills hit too little to show anything"


def test_jobs_of_a_dead_host_are_taken_over(store_url: str, fleet_on: Callable[..., Fleet]) -> None:
    """Supervisor, keeper, services and workers at once: nobody is left who knew what they held but the store."""
    fleet = fleet_on(store_url, "--processes", "1", "--concurrency", "4", "--lease", str(LEASE_S))
    jobs = open_jobs(store_url, lease_s=LEASE_S)
    fleet.start_and_wait()
    handles = [jobs.enqueue("nap", seconds=1.0) for _ in range(8)]
    wait_until(lambda: len(ledger.read(fleet.ledger)) == 4, seconds=20, what="four handlers running")
    os.killpg(fleet.processes[0].pid, signal.SIGKILL)
    killed = time.time()
    fleet.start()
    wait_until(lambda: _is_over(jobs), seconds=LEASE_S + 10 + 20, what="every job in a final state")
    runs = ledger.read(fleet.ledger)
    assert all(jobs.get(handle.id).state is State.COMPLETED for handle in handles)
    assert sorted(map(len, runs.values())) == [1] * 4 + [2] * 4
    took = [some[1].started - killed for some in runs.values() if len(some) == 2]
    print(f"{jobs.backend.features.name}: running again {min(took):.1f} to {max(took):.1f} s after the host's death")
    assert max(took) < LEASE_S + 10
    jobs.close()


def _is_over(jobs: Jobs) -> bool:
    return all(not n for counts in jobs.stats() for state, n in counts.states.items() if not state.is_final)
