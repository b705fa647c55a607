"""Processes that kill themselves at the worst moments: every job still ends once."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.application import open_jobs
from tests.faults.campaign import Campaign, new_seed
from tests.faults.checker import Kill
from tests.faults.failpoints import POINTS
from tests.faults.fleet import Fleet, children

LEASE_S = 2.0
JOBS = 400
SHARES = dict.fromkeys(POINTS, 0.004) | {"in rescue": 0.5, "in the hot verb": 0.01, "after claim": 0.02}

pytestmark = [pytest.mark.serial, pytest.mark.slow, pytest.mark.timeout(100)]


def test_every_job_ends_once_wherever_a_process_dies(sqlite_url: str, fleet_on: Callable[..., Fleet]) -> None:
    jobs = open_jobs(sqlite_url, lease_s=LEASE_S)
    armed = ",".join(f"{point}={share}" for point, share in SHARES.items())
    fleet = fleet_on(sqlite_url, "--processes", "2", "--concurrency", "4", "--lease", str(LEASE_S))
    fleet.start_and_wait("--failpoints", armed, workers=2)
    campaign = Campaign(fleet, jobs, random.Random(new_seed()), LEASE_S)
    campaign.enqueue(JOBS)
    time.sleep(2)
    workers = children(fleet.processes[0].pid, "jobs-worker")
    os.killpg(fleet.processes[0].pid, signal.SIGKILL)  # so that there are leases that run out
    campaign.kills += [Kill(pid, "host", time.time()) for pid in workers]
    fleet.start("--failpoints", armed)
    campaign.settle_down(60)
    campaign.note_deaths()
    verdict = campaign.verdict()
    print(f"{Counter(kill.role for kill in campaign.kills)}, {verdict}")
    jobs.close()
    assert not verdict.violations
    assert len({kill.role for kill in campaign.kills}) >= 4, "too few of the points were reached"
