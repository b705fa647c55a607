"""Leases of living processes are renewed, those of stopped and dead ones are not; the dead are seen to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from core.app import Jobs
from core.errors import StoreUnavailable
from core.model.states import State
from core.worker.attempt import Finished
from core.worker.exits import CUT_SHORT, RECYCLED
from core.worker.keeper import Keeper
from core.worker.liveness import pulse_of
from core.worker.table import Identity, Orders, SlotTable, Status
from tests.unit.worker.bench import Bench, HandClock

ID = "ab" * 16


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Stands for a worker's process."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]) as child:
        yield child
        child.kill()


@pytest.fixture
def keeper(bench: Bench, process: subprocess.Popen[bytes]) -> Keeper:
    bench.region.announce(Identity(process.pid, pulse_of(process.pid).birth, ID, 1, is_quiet=False))
    return Keeper(bench.jobs, [bench.region], queues=("default",), slots=2, label="here")


def work() -> None:
    """Something to claim."""


def test_a_living_process_keeps_its_leases(bench: Bench, keeper: Keeper, clock: HandClock) -> None:
    attempt = bench.started(work)
    for turn in range(6):
        clock.move(20)
        keeper.turn(turn * 20.0)
    assert bench.stored(attempt.claim).lease_until_ms == clock.at_ms + 30_000


def test_a_stopped_process_loses_them(
    bench: Bench, keeper: Keeper, clock: HandClock, process: subprocess.Popen[bytes]
) -> None:
    attempt = bench.started(work)
    until = bench.stored(attempt.claim).lease_until_ms
    os.kill(process.pid, signal.SIGSTOP)
    end = time.monotonic() + 10
    while pulse_of(process.pid).vital.value != "stopped":
        assert time.monotonic() < end
    clock.move(10)
    keeper.turn(10.0)
    assert bench.stored(attempt.claim).lease_until_ms == until


def test_a_lease_that_is_gone_is_made_known_to_the_worker(bench: Bench, keeper: Keeper) -> None:
    attempt = bench.started(work)
    bench.jobs.backend.release("default", [(attempt.claim.raw, attempt.claim.token)])
    keeper.turn(0.0)
    assert bench.region.notice(attempt.index) == attempt.claim.token


def test_a_claim_that_was_settled_meanwhile_is_no_lost_lease(bench: Bench, keeper: Keeper) -> None:
    attempt = bench.started(work)
    bench.jobs.backend.release("default", [(attempt.claim.raw, attempt.claim.token)])
    bench.slots.finish(Finished(attempt, None))
    keeper.turn(0.0)
    assert bench.region.notice(attempt.index) == 0


def test_it_speaks_for_the_worker_and_brings_its_orders(bench: Bench, keeper: Keeper) -> None:
    attempt = bench.started(work)
    keeper.turn(0.0)
    [info] = bench.jobs.backend.workers()
    assert (info.id, info.label, info.slots, info.tasks, info.version) == (ID, "here", 2, ("work",), "v7")
    assert info.running == (str(attempt.claim.ref),)
    bench.jobs.control.order(ID, quiet=True)
    keeper.turn(2.0)
    assert bench.region.orders == Orders.QUIET


def test_what_a_dead_process_had_not_started_goes_back_free_and_what_ran_is_lost(bench: Bench, keeper: Keeper) -> None:
    running, waiting = bench.started(work), bench.admitted(work)
    keeper.turn(0.0)
    bench.region.bury(signal.SIGKILL)
    keeper.turn(0.1)
    lost, free = bench.stored(running.claim), bench.stored(waiting.claim)
    assert (lost.state, lost.attempts, lost.losses) == (State.PENDING, 1, 1)
    assert (free.state, free.attempts, free.losses) == (State.PENDING, 0, 0)
    [line] = bench.lines(running.claim)
    assert line.error_line == "its worker was killed by signal 9 (SIGKILL, perhaps out of memory)"
    assert bench.region.status is Status.FREE
    assert bench.jobs.backend.workers() == []


def test_a_process_that_ended_with_a_handler_past_its_timeout_settles_it_as_timed_out(
    bench: Bench, keeper: Keeper
) -> None:
    stuck, neighbour = bench.started(work), bench.started(work)
    bench.region.start(stuck.index, 1000, 2500)
    bench.region.bury(RECYCLED << 8)
    keeper.turn(40.0)
    dead, lost = bench.stored(stuck.claim), bench.stored(neighbour.claim)
    assert (dead.state, dead.losses) == (State.FAILED, 0)
    assert bench.lines(stuck.claim)[0].error_line.startswith("ran longer than its timeout of 1.5 s")
    assert (lost.state, lost.losses) == (State.PENDING, 1)


def test_a_worker_cut_short_gives_back_what_it_could_not_stop(bench: Bench, keeper: Keeper) -> None:
    attempt = bench.started(work)
    bench.region.say_farewell()
    bench.region.bury(CUT_SHORT << 8)
    keeper.turn(0.0)
    job = bench.stored(attempt.claim)
    assert (job.state, job.losses, job.tries) == (State.PENDING, 0, 0)


def test_a_handler_that_ends_its_process_with_that_code_is_a_suspect_all_the_same(bench: Bench, keeper: Keeper) -> None:
    attempt = bench.started(work)
    bench.region.bury(CUT_SHORT << 8)
    keeper.turn(0.0)
    assert (bench.stored(attempt.claim).state, bench.stored(attempt.claim).losses) == (State.PENDING, 1)


def test_a_job_that_was_settled_before_its_process_died_is_left_alone(bench: Bench, keeper: Keeper) -> None:
    attempt = bench.started(work)
    bench.jobs.backend.release("default", [(attempt.claim.raw, attempt.claim.token)])
    again = bench.claim_next()
    bench.region.bury(signal.SIGKILL)
    keeper.turn(0.0)
    assert bench.stored(again).token == again.token
    assert bench.stored(again).state is State.RUNNING


def test_an_unreachable_store_only_postpones(bench: Bench, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = bench.started(work)
    bench.region.bury(signal.SIGKILL)

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as outage:
        outage.setattr(bench.jobs.backend, "get", away)
        keeper.turn(0.0)
    assert bench.region.status is Status.DEAD
    keeper.turn(0.1)
    assert bench.stored(attempt.claim).state is State.PENDING


def test_without_a_supervisor_it_notices_deaths_itself(
    bench: Bench, keeper: Keeper, process: subprocess.Popen[bytes]
) -> None:
    attempt = bench.started(work)
    process.kill()
    process.wait()
    keeper.turn(0.0)
    assert bench.stored(attempt.claim).state is State.RUNNING
    keeper.is_orphaned = True
    keeper.turn(0.1)
    assert bench.stored(attempt.claim).state is State.PENDING


def test_a_process_that_cannot_end_itself_for_a_stuck_handler_is_ended(
    bench: Bench, keeper: Keeper, process: subprocess.Popen[bytes]
) -> None:
    attempt = bench.started(work)
    bench.region.start(attempt.index, 1000, 2000)
    keeper.turn(30.0)
    assert process.poll() is None
    keeper.turn(40.0)
    assert process.wait(10) == -signal.SIGKILL


def test_the_living_keep_their_leases_while_the_dead_cannot_be_seen_to(
    jobs: Jobs, clock: HandClock, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, dead = Bench(jobs), SlotTable(regions=1, entries=1).regions[0]
    bench.region.announce(Identity(process.pid, pulse_of(process.pid).birth, ID, 1, is_quiet=False))
    dead.announce(Identity(1, 1, "cd" * 16, 1, is_quiet=False))
    lost, alive = bench.claim(work), bench.started(work)
    dead.admit(0, b"default", lost.raw, lost.token)
    dead.bury(signal.SIGKILL)
    keeper = Keeper(jobs, [dead, bench.region], queues=("default",), slots=2)

    def away(*_: object) -> None:
        raise StoreUnavailable("this part of the store is away")

    monkeypatch.setattr(jobs.backend, "release", away)
    clock.move(10)
    keeper.turn(10.0)
    assert bench.stored(alive.claim).lease_until_ms == clock.at_ms + 30_000
    assert dead.status is Status.DEAD
