"""2,000 jobs while workers, keepers, services and supervisors are killed: every job ends once."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from core.app import Jobs
from core.model.snapshot import JobSnapshot
from core.model.states import State
from tests.faults import ledger
from tests.faults.application import open_jobs
from tests.faults.checker import Kill, check
from tests.faults.fleet import Fleet, children, wait_until

SEED = "JOBS_FAULTS_SEED"
JOBS, KILLS, CHUNKS = 2_000, 20, 20
LEASE_S = 2.0
TARGETS = {"jobs-worker": 10, "jobs-keeper": 3, "jobs-services": 3, "supervisor": 4}

pytestmark = [pytest.mark.serial, pytest.mark.slow, pytest.mark.timeout(150)]


def test_every_job_ends_once_whatever_is_killed(store_url: str, fleet_on: Callable[..., Fleet]) -> None:
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 32))
    print(f"{SEED}={seed}")
    chance = random.Random(seed)
    fleet = fleet_on(store_url, "--processes", "2", "--concurrency", "8", "--lease", str(LEASE_S))
    jobs = open_jobs(store_url, lease_s=LEASE_S)
    fleet.start_and_wait(workers=2)
    expected: dict[str, State] = {}
    kills: list[Kill] = []
    targets = iter(_targets(chance))
    for _ in range(CHUNKS):
        expected |= _enqueue(jobs, chance, JOBS // CHUNKS)
        time.sleep(chance.uniform(0.1, 0.7))
        kills.append(_kill(fleet, chance, next(targets)))
    wait_until(lambda: _is_over(jobs), seconds=60, what="every job in a final state")
    found = {job: jobs.get(job) for job in expected}
    states = {id: None if job is None else job.state for id, job in found.items()}
    returns = {id: _returns(job) for id, job in found.items() if job is not None}
    verdict = check(expected, states, ledger.read(fleet.ledger), kills, returns, recovery_s=LEASE_S + 10)
    print(f"{jobs.backend.features.name}: {len(kills)} kills, {verdict}")
    [counts] = jobs.stats()
    jobs.close()
    assert not verdict.violations
    assert verdict.hits >= 10, "the kills hit too little to show anything"
    completed = sum(state is State.COMPLETED for state in expected.values())
    assert counts.processed - counts.failures == completed, "a completion was accepted twice"


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


def _targets(chance: random.Random) -> list[str]:
    targets = [name for name, count in TARGETS.items() for _ in range(count)]
    chance.shuffle(targets)
    return targets


def _enqueue(jobs: Jobs, chance: random.Random, count: int) -> dict[str, State]:
    """What the producer was told is stored, with the state it should end in."""
    requests, wanted = [], []
    for _ in range(count):
        name = chance.choices(["nap", "anap", "flaky", "broken"], [60, 25, 10, 5])[0]
        seconds = chance.choice([0.0, 0.005, 0.02, 0.05, 0.1, 0.3])
        arguments = {} if name == "broken" else {"seconds": seconds}
        requests.append(jobs.client.request(name, arguments))
        wanted.append(State.DEAD if name == "broken" else State.COMPLETED)
    handles = jobs.enqueue_many(requests)
    return {handle.id: state for handle, state in zip(handles, wanted, strict=True)}


def _kill(fleet: Fleet, chance: random.Random, target: str) -> Kill:
    supervisor = fleet.processes[-1]
    if target == "supervisor":
        os.kill(supervisor.pid, signal.SIGKILL)
        supervisor.wait()
        kill = Kill(supervisor.pid, "supervisor", time.time())
        fleet.start()
        return kill
    wait_until(lambda: children(supervisor.pid, target), seconds=20, what=f"a living {target}")
    victims = children(supervisor.pid, target)
    if target == "jobs-worker" and chance.random() < 0.7:  # the others may be killed while they start, or idle
        wait_until(lambda: _busy(fleet) & set(children(supervisor.pid, target)), seconds=20, what="a busy worker")
        victims = list(_busy(fleet) & set(children(supervisor.pid, target))) or victims
    pid = chance.choice(sorted(victims))
    kill = Kill(pid, target.removeprefix("jobs-"), time.time())
    os.kill(pid, signal.SIGKILL)
    return kill


def _busy(fleet: Fleet) -> set[int]:
    """Processes in which handlers run."""
    return {run.pid for runs in ledger.read(fleet.ledger).values() for run in runs if not run.ended}


def _is_over(jobs: Jobs) -> bool:
    return all(not n for counts in jobs.stats() for state, n in counts.states.items() if not state.is_final)


def _returns(job: JobSnapshot) -> dict[int, float]:
    """When each lost attempt of a job was settled as lost."""
    return {line.attempt: line.finished_ms / 1000 for line in job.lines if line.error_type == "WorkerDied"}
