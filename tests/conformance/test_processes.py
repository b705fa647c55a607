"""Several processes at one store, as in production: each job once, and a killed process harms nobody."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from core.backends.contract import Backend
from core.backends.opener import open_backend
from core.model.clock import SystemClock
from core.model.states import State

from .clock import FakeClock
from .invariants import assert_consistent
from .lab import LEASE_MS, Lab, keys
from .places import Place

ROOT = Path(__file__).parents[2]
JOBS = 300
PROCESSES = 3
Drainer = subprocess.Popen[str]
Start = Callable[..., Drainer]


@pytest.fixture
def shared(durable_place: Place) -> Iterator[Backend]:
    store = durable_place.connect(SystemClock())
    yield store
    assert_consistent(store)
    store.close()


@pytest.fixture
def start(durable_place: Place) -> Iterator[Start]:
    """Starts drainers; each has opened the store when this returns, and waits for a line."""
    started: list[Drainer] = []

    def begin(worker: str, *, batch: int = 10, manner: str = "settle") -> Drainer:
        module = f"{__package__}.drainer"
        command = [sys.executable, "-m", module, durable_place.url, worker, str(batch), manner]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True))
        assert read_line(started[-1]) == "ready"
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def read_line(process: Drainer) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def let_go(process: Drainer) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_processes_settle_each_job_once(shared: Backend, start: Start):
    lab = Lab(shared, FakeClock())
    jobs = [lab.job() for _ in range(JOBS)]
    shared.enqueue(jobs)
    drainers = [start(f"worker-{n}") for n in range(PROCESSES)]
    for drainer in drainers:
        let_go(drainer)
    told = [drainer.communicate()[0].split() for drainer in drainers]
    assert all(lines[-1] == "done" for lines in told)
    settled = Counter(line for lines in told for line in lines[:-1])
    assert settled == Counter(job.raw.hex() for job in jobs)
    assert lab.count(State.COMPLETED) == JOBS


def test_a_killed_process_leaves_its_claims_running_and_the_store_open_to_others(shared: Backend, start: Start):
    lab = Lab(shared, FakeClock())
    shared.enqueue([lab.job() for _ in range(10)])
    victim = start("victim", batch=4, manner="hold")
    let_go(victim)
    assert read_line(victim) == "holding"
    victim.kill()
    victim.wait()
    held = [job for job in shared.get(lab.refs(State.RUNNING)) if job is not None]
    assert [job.worker for job in held] == ["victim"] * 4
    assert len(lab.claim(10)) == 6
    assert shared.renew("mail", [(job.ref.raw, job.token) for job in held], LEASE_MS) == []


def test_a_process_that_lost_its_claims_settles_none_of_them(shared: Backend, start: Start):
    lab = Lab(shared, FakeClock())
    shared.enqueue([lab.job() for _ in range(4)])
    late = start("late", batch=4, manner="hold")
    let_go(late)
    assert read_line(late) == "holding"
    running = shared.get(lab.refs(State.RUNNING))
    assert shared.release("mail", [(job.ref.raw, job.token) for job in running if job is not None]) == 4
    taken = lab.claim(4, worker="other")
    let_go(late)
    while (line := read_line(late)) == "holding":
        let_go(late)
    assert line == "done"
    assert shared.renew("mail", keys(taken), LEASE_MS) == []
    assert lab.count(State.COMPLETED) == 0


def test_a_job_enqueued_here_wakes_a_waiter_on_its_own_connection(durable_place: Place, shared: Backend):
    """Two stores opened apart, as by two processes: nothing in memory joins them."""
    other = open_backend(durable_place.url)
    lab = Lab(other, FakeClock())
    lab.arrive(State.CANCELLED)
    slept: list[float] = []

    def sleep() -> None:
        began = monotonic()
        shared.wait(["mail"], 8.0)
        slept.append(monotonic() - began)

    waiter = threading.Thread(target=sleep)
    waiter.start()
    lab.enqueue()
    waiter.join()
    other.close()
    assert slept[0] < 4.0 or not shared.features.wakes
