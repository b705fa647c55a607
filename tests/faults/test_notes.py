"""What an isolated handler notes outlives the death of its process, and the next attempt goes on from it."""

from collections.abc import Callable

import pytest

from core.model.states import State
from tests.faults import dangerous
from tests.faults.application import open_jobs
from tests.faults.fleet import Fleet

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]


def test_an_isolated_handler_goes_on_from_its_checkpoint_after_a_death(
    sqlite_url: str, fleet_on: Callable[..., Fleet]
) -> None:
    fleet = fleet_on(sqlite_url, "--processes", "1", "--lease", "2.0")
    fleet.module = "tests.faults.dangerous"
    jobs = open_jobs(sqlite_url, lease_s=2.0)
    fleet.start_and_wait()
    made = jobs.enqueue(dangerous.talking.name, how="SIGKILL")
    assert jobs.result(made.id, timeout=30) == {"page": 1}
    job = jobs.get(made.id)
    jobs.close()
    assert job is not None
    assert (job.state, job.attempts, job.tries, job.stored.crashes) == (State.COMPLETED, 2, 1, 1)
    assert [line.split("Z ")[-1] for line in job.log.splitlines()] == ["attempt 2", "going on"]
