"""One job that kills its process among many that do not: it alone pays for it."""

import time
from collections.abc import Callable, Iterator

import pytest

from core.app import Jobs
from core.model.states import State
from tests.faults import dangerous, ledger
from tests.faults.application import open_jobs
from tests.faults.fleet import Fleet, children, wait_until

LEASE_S = 2.0
GOOD = 500

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]


@pytest.fixture
def jobs(store_url: str) -> Iterator[Jobs]:
    opened = open_jobs(store_url, lease_s=LEASE_S)
    yield opened
    opened.close()


@pytest.fixture
def fleet(store_url: str, fleet_on: Callable[..., Fleet]) -> Fleet:
    made = fleet_on(store_url, "--processes", "2", "--concurrency", "4", "--lease", str(LEASE_S))
    made.module = "tests.faults.dangerous"
    return made


def test_of_five_hundred_good_jobs_and_a_poison_one_exactly_the_poison_is_dead(jobs: Jobs, fleet: Fleet) -> None:
    requests = [jobs.registry.find("nap").request(seconds=0.005) for _ in range(GOOD)]
    poison = dangerous.poison.request(how="segfault")
    handles = jobs.enqueue_many([*requests[: GOOD // 2], poison, *requests[GOOD // 2 :]])
    began = time.monotonic()
    fleet.start_and_wait(workers=2)
    wait_until(lambda: _is_over(jobs), seconds=60, what="every job in a final state")
    print(f"{jobs.backend.features.name}: over after {time.monotonic() - began:.1f} s")
    found = {job.id: job for job in jobs.get_many([handle.id for handle in handles]) if job is not None}
    dead = [job for job in found.values() if job.state is State.DEAD]
    assert [job.id for job in dead] == [handles[GOOD // 2].id]
    assert sum(job.state is State.COMPLETED for job in found.values()) == GOOD
    assert dead[0].reason == "its process died 3 times while it ran alone: killed by signal 11 (SIGSEGV)"
    assert (dead[0].stored.crashes, dead[0].stored.losses) == (3, 4)
    runs = ledger.read(fleet.ledger)
    assert len(runs[dead[0].id]) == 4, "once beside others, three times alone"
    hit = [some for id, some in runs.items() if id != dead[0].id and len(some) > 1]
    assert all(len(some) == 2 for some in hit), "its neighbours were hit once, and run again once"
    assert sum(not some[0].ended for some in hit) <= 3, "no more than ran beside it; others were done but not settled"
    assert all(job.stored.losses == 0 for job in found.values() if job.state is State.COMPLETED)
    print(f"{jobs.backend.features.name}: {len(hit)} neighbours ran twice")


def test_a_suspect_that_does_well_alone_is_none_any_more(jobs: Jobs, fleet: Fleet) -> None:
    fleet.start_and_wait(workers=2)
    job = jobs.enqueue(dangerous.careful.request(how="segfault"))
    wait_until(lambda: jobs.get(job.id).state is State.COMPLETED, seconds=30, what="its completion")
    done = jobs.get(job.id)
    assert (done.attempts, done.tries, done.stored.losses, done.stored.crashes) == (2, 1, 0, 0)
    assert done.lines[0].error_type == "WorkerDied"
    beside, alone = ledger.read(fleet.ledger)[job.id]
    workers = children(fleet.processes[0].pid, "jobs-worker")
    assert alone.pid not in (beside.pid, *workers)


@pytest.mark.parametrize("how", ["os._exit(0)", "os._exit(78)"])
def test_a_handler_that_ends_its_worker_as_if_all_were_well_does_not_end_the_service(
    sqlite_url: str, fleet_on: Callable[..., Fleet], how: str
) -> None:
    """These are codes by which a worker says that it is not to be replaced."""
    fleet = fleet_on(sqlite_url, "--processes", "1", "--lease", str(LEASE_S))
    fleet.module = "tests.faults.dangerous"
    jobs = open_jobs(sqlite_url, lease_s=LEASE_S)
    fleet.start_and_wait()
    [before] = children(fleet.processes[0].pid, "jobs-worker")
    job = jobs.enqueue(dangerous.poison.request(how=how))
    wait_until(lambda: jobs.get(job.id).state is State.DEAD, seconds=30, what="its end as dead")
    assert jobs.get(job.id).stored.crashes == 3
    assert jobs.result(jobs.enqueue("nap", seconds=0).id, timeout=20) == 0
    assert children(fleet.processes[0].pid, "jobs-worker") != [before]
    assert fleet.processes[0].poll() is None
    jobs.close()


def _is_over(jobs: Jobs) -> bool:
    [counts] = jobs.stats()
    return not any(counts.states[state] for state in State if not state.is_final)
