"""Several schedulers, one tick each second: every tick makes exactly one job."""

from collections.abc import Callable

import pytest

from core.model.states import State
from tests.faults import ledger
from tests.faults.application import open_jobs
from tests.faults.fleet import Fleet, wait_until

pytestmark = [pytest.mark.serial, pytest.mark.timeout(60)]


def test_three_schedulers_of_which_one_is_killed_take_each_tick_once(
    store_url: str, fleet_on: Callable[..., Fleet]
) -> None:
    jobs = open_jobs(store_url)
    fleet = fleet_on(store_url, "--ticking")
    fleet.start_and_wait("--processes", "1")
    for _ in range(2):
        fleet.start("--no-workers")
    wait_until(lambda: fleet.log.count("services started") == 3, seconds=20, what="three schedulers")
    wait_until(lambda: len(ledger.read(fleet.ledger)) >= 2, seconds=10, what="two ticks")
    fleet.processes[2].kill()
    wait_until(lambda: len(ledger.read(fleet.ledger)) >= 6, seconds=15, what="six ticks")
    fleet.processes[0].terminate()
    fleet.processes[1].terminate()
    assert [fleet.processes[0].wait(20), fleet.processes[1].wait(20)] == [0, 0]
    runs = ledger.read(fleet.ledger)
    assert all(len(some) == 1 for some in runs.values())
    fired = sorted(job.ref.raw[:6] for job in _ended(jobs))
    seconds = [int.from_bytes(raw, "big") // 1000 for raw in fired]
    assert len(set(seconds)) == len(seconds)
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds))), "no tick was left out"
    jobs.close()


def _ended(jobs):
    return [job.stored for job in jobs.recent(limit=50, state=State.COMPLETED)]
