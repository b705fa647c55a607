"""The store goes away and comes back: nothing is lost, and work goes on by itself."""

import time
from collections.abc import Callable

import pytest

from core.model.states import State
from tests.faults import ledger
from tests.faults.application import open_jobs
from tests.faults.fleet import Fleet, wait_until
from tests.servers import RedisServer

LEASE_S = 2.0
AWAY_S = 4.0  # two leases

pytestmark = [pytest.mark.serial, pytest.mark.timeout(90)]


def test_work_goes_on_after_redis_was_killed_and_started_again(fleet_on: Callable[..., Fleet]) -> None:
    with RedisServer(appendonly="yes", appendfsync="always") as server:
        jobs = open_jobs(server.url, lease_s=LEASE_S)
        fleet = fleet_on(server.url, "--processes", "2", "--lease", str(LEASE_S))
        fleet.start_and_wait(workers=2)
        handles = [jobs.enqueue("nap", seconds=0.05) for _ in range(300)]
        wait_until(lambda: len(ledger.read(fleet.ledger)) > 30, seconds=20, what="work under way")
        server.kill()
        time.sleep(AWAY_S)  # the outage itself
        before = sum(map(len, ledger.read(fleet.ledger).values()))
        server.start()
        took = wait_until(
            lambda: sum(map(len, ledger.read(fleet.ledger).values())) > before, seconds=25, what="work going on"
        )
        print(f"work went on {took:.1f} s after Redis answered again")
        wait_until(
            lambda: all(job.state is State.COMPLETED for job in jobs.get_many(h.id for h in handles) if job),
            seconds=40,
            what="every job completed",
        )
        runs = ledger.read(fleet.ledger)
        assert len(runs) == len(handles)
        repeated = {job: some for job, some in runs.items() if len(some) > 1}
        assert not repeated, "what ended during the outage was settled after it, not run again"
        assert "Traceback" not in fleet.log
        jobs.close()


def test_a_fleet_started_before_its_store_waits_for_it(fleet_on: Callable[..., Fleet]) -> None:
    with RedisServer() as server:
        url = server.url
        server.kill()
        fleet = fleet_on(url, "--processes", "1", "--lease", str(LEASE_S))
        fleet.start_and_wait()
        wait_until(lambda: "waiting for it" in fleet.log, seconds=20, what="its word that it waits")
        server.start()
        jobs = open_jobs(url, lease_s=LEASE_S)
        assert jobs.result(jobs.enqueue("nap", seconds=0).id, timeout=20) == 0
        jobs.close()
