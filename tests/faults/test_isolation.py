"""Isolated jobs that die, hang, grow and hide: how each ends, in which words, and that nothing of it is left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.app import Jobs
from core.model.snapshot import JobSnapshot
from core.model.states import State
from tests.faults import ledger
from tests.faults.application import open_jobs
from tests.faults.dangerous import GRANDCHILD
from tests.faults.fleet import Fleet, children, is_alive, wait_until

LEASE_S = 2.0
GONE_S = 5.0  # after its timeout, a cancellation or its worker's death, an isolated job is gone within this
DEAD_S = 2.0  # and with its worker within this

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]


@pytest.fixture
def grandchild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a handler says what it has started."""
    monkeypatch.setenv(GRANDCHILD, str(tmp_path / "grandchild"))
    return tmp_path / "grandchild"


@pytest.fixture
def start(fleet_on: Callable[..., Fleet]) -> Iterator[Callable[..., tuple[Fleet, Jobs]]]:
    """A fleet of one worker process, and a Jobs on its store."""
    opened: list[Jobs] = []

    def begin(url: str, *options: str) -> tuple[Fleet, Jobs]:
        fleet = fleet_on(url, "--processes", "1", "--lease", str(LEASE_S), *options)
        fleet.module = "tests.faults.dangerous"
        opened.append(open_jobs(url, lease_s=LEASE_S))
        fleet.start_and_wait()
        return fleet, opened[-1]

    yield begin
    for jobs in opened:
        jobs.close()


Start = Callable[..., tuple[Fleet, Jobs]]


def test_an_isolated_job_runs_in_a_process_group_of_its_own(sqlite_url: str, start: Start) -> None:
    fleet, jobs = start(sqlite_url)
    [zygote] = children(fleet.processes[0].pid, "jobs-zygote")
    seen = [jobs.result(jobs.enqueue("alone").id, timeout=20) for _ in range(2)]
    assert {each["parent"] for each in seen} == {zygote}
    assert seen[0]["pid"] != seen[1]["pid"]
    assert all(each["pid"] == each["group"] == each["session"] for each in seen)
    asynchronous = jobs.result(jobs.enqueue("aalone", seconds=0.1).id, timeout=20)
    assert asynchronous not in (zygote, *children(fleet.processes[0].pid))


def test_a_handler_reaches_the_store_from_its_own_process(sqlite_url: str, start: Start) -> None:
    _, jobs = start(sqlite_url)
    made = jobs.result(jobs.enqueue("enqueuer").id, timeout=20)
    assert jobs.result(made, timeout=20)["pid"] != os.getpid()


def test_each_death_is_a_crash_with_its_cause_and_the_third_is_the_last(sqlite_url: str, start: Start) -> None:
    fleet, jobs = start(sqlite_url)
    [worker] = children(fleet.processes[0].pid, "jobs-worker")
    causes = {
        "segfault": "killed by signal 11 (SIGSEGV)",
        "SIGABRT": "killed by signal 6 (SIGABRT)",
        "SIGKILL": "killed by signal 9 (SIGKILL, perhaps out of memory)",
        "os._exit(0)": "exited with code 0 before its handler returned",
        "os._exit(3)": "exited with code 3 before its handler returned",
    }
    dying = {how: jobs.enqueue("dying", how=how).id for how in causes}
    for how, cause in causes.items():
        job = _wait_for(jobs, dying[how], State.DEAD)
        assert job.reason == f"its process died 3 times while it ran alone: {cause}"
        assert (job.stored.crashes, job.attempts, job.tries) == (3, 3, 0), how
        assert job.error is not None
        assert (job.error.type, job.error.message) == ("ProcessDied", cause)
        assert [line.error_line for line in job.lines] == [cause] * 3
        assert len(ledger.read(fleet.ledger)[job.id]) == 3
    assert children(fleet.processes[0].pid, "jobs-worker") == [worker]


def test_leaving_by_sys_exit_is_a_failure_and_no_crash(sqlite_url: str, start: Start) -> None:
    _, jobs = start(sqlite_url)
    job = _wait_for(jobs, jobs.enqueue("dying", how="sys.exit").id, State.DEAD)
    assert (job.stored.crashes, job.reason) == (0, "retries used up")
    assert job.error is not None
    assert job.error.type == "SystemExit"


def test_memory_that_is_really_used_beyond_the_limit_kills(sqlite_url: str, start: Start) -> None:
    """In small steps: what is resident is over the limit before the address space is used up."""
    _, jobs = start(sqlite_url)
    job = _wait_for(jobs, jobs.enqueue("hog", megabytes=2_000, step=4).id, State.DEAD)
    assert job.reason == "its process died 3 times while it ran alone: out of memory (limit 256 MB)"
    assert job.stored.crashes == 3
    fine = jobs.enqueue("hog", megabytes=16, step=4)
    assert jobs.result(fine.id, timeout=20) == 16


def test_an_allocation_beyond_the_limit_is_refused_to_the_handler(sqlite_url: str, start: Start) -> None:
    _, jobs = start(sqlite_url)
    job = _wait_for(jobs, jobs.enqueue("hog", megabytes=1_000, step=1_000).id, State.DEAD)
    assert job.error is not None
    assert (job.error.type, job.stored.crashes) == ("MemoryError", 0)


def test_the_timeout_stops_a_sleeping_handler_at_once(sqlite_url: str, start: Start) -> None:
    fleet, jobs = start(sqlite_url)
    for task in ("sleeper", "aalone"):
        job = jobs.enqueue(jobs.registry.find(task).using(timeout=0.5).request(seconds=60))
        ended = _wait_for(jobs, job.id, State.DEAD)
        assert ended.error is not None
        assert (ended.error.type, ended.error.message) == ("TimeoutError", "ran longer than its timeout of 0.5 s")
        [run] = ledger.read(fleet.ledger)[job.id]
        print(f"{task}: {run.ended - run.started:.2f} s for a timeout of 0.5 s")
        assert run.failed, "its `finally` ran"
        assert run.ended - run.started < GONE_S


@pytest.mark.parametrize(("task", "arguments"), [("stubborn", {"seconds": 60}), ("entangled", {})])
def test_the_timeout_kills_a_handler_that_does_not_stop(
    sqlite_url: str, start: Start, task: str, arguments: dict[str, int]
) -> None:
    fleet, jobs = start(sqlite_url)
    [worker] = children(fleet.processes[0].pid, "jobs-worker")
    job = jobs.enqueue(jobs.registry.find(task).using(timeout=0.5).request(**arguments))
    run = _started(fleet, job.id)
    took = wait_until(lambda: not is_alive(run.pid), seconds=0.5 + GONE_S + 5, what="the end of its process")
    gone_s = time.time() - run.started
    print(f"{task}: gone {gone_s:.2f} s after its start, seen after {took:.2f} s")
    assert gone_s < 0.5 + GONE_S + 1.0, "with a second for a busy machine"
    ended = _wait_for(jobs, job.id, State.DEAD)
    assert ended.error is not None
    assert ended.error.type == "TimeoutError"
    assert ended.error.message == "ran longer than its timeout of 0.5 s and did not stop; its process was killed"
    assert (ended.stored.crashes, ended.tries) == (0, 1), "a timeout is a try, not a crash"
    assert children(fleet.processes[0].pid, "jobs-worker") == [worker], "nobody else pays for it"


def test_cpu_time_beyond_the_limit_kills(sqlite_url: str, start: Start) -> None:
    _, jobs = start(sqlite_url)
    ended = _wait_for(jobs, jobs.enqueue("busy").id, State.DEAD)
    assert ended.error is not None
    assert (ended.error.type, ended.error.message) == ("TimeoutError", "used up its CPU time of 1 s")


def test_a_cancelled_job_is_signalled_and_one_that_does_not_listen_killed(sqlite_url: str, start: Start) -> None:
    fleet, jobs = start(sqlite_url)
    ids = {task: jobs.enqueue(task, seconds=60).id for task in ("sleeper", "stubborn")}
    runs = {task: _started(fleet, id) for task, id in ids.items()}
    asked = time.time()
    for id in ids.values():
        jobs.cancel(id)
    for task, id in ids.items():
        ended = _wait_for(jobs, id, State.CANCELLED)
        assert ended.reason == "cancelled while running"
        assert not is_alive(runs[task].pid), "it was waited for"
        print(f"{task}: gone and settled {time.time() - asked:.2f} s after the cancellation")
    [sleeper] = ledger.read(fleet.ledger)[ids["sleeper"]]
    assert sleeper.failed, "its `finally` ran"
    assert sleeper.ended - asked < GONE_S


def test_what_a_handler_started_ends_with_it(sqlite_url: str, start: Start, grandchild: Path) -> None:
    _, jobs = start(sqlite_url)
    pid = jobs.result(jobs.enqueue("parent", seconds=0).id, timeout=20)
    wait_until(lambda: not is_alive(pid), seconds=GONE_S, what="its end")
    grandchild.unlink()
    job = jobs.enqueue(jobs.registry.find("parent").using(timeout=0.5).request(seconds=60))
    _wait_for(jobs, job.id, State.DEAD)
    wait_until(lambda: not is_alive(_started_by(grandchild)), seconds=GONE_S, what="its end")


def test_a_killed_workers_isolated_jobs_end_with_it_and_run_again_uncharged(
    sqlite_url: str, start: Start, grandchild: Path
) -> None:
    fleet, jobs = start(sqlite_url)
    job = jobs.enqueue("parent", seconds=4)
    run = _started(fleet, job.id)
    pid = _started_by(grandchild)
    [worker] = children(fleet.processes[0].pid, "jobs-worker")
    os.kill(worker, signal.SIGKILL)
    took = wait_until(lambda: not (is_alive(run.pid) or is_alive(pid)), seconds=DEAD_S * 5, what="its child's end")
    print(f"gone {took:.3f} s after its worker")
    ended = _wait_for(jobs, job.id, State.COMPLETED)
    assert (ended.attempts, ended.tries, ended.stored.crashes, ended.stored.losses) == (2, 1, 0, 0)
    assert ended.lines[0].error_type == "WorkerDied"


def test_an_isolated_job_ends_with_its_worker_also_when_a_copy_of_that_lives_on(
    sqlite_url: str, start: Start, grandchild: Path
) -> None:
    """Then the socket between them stays open."""
    fleet, jobs = start(sqlite_url)
    run = _started(fleet, jobs.enqueue("parent", seconds=60).id)
    copy = jobs.result(jobs.enqueue("forker").id, timeout=20)
    [worker] = children(fleet.processes[0].pid, "jobs-worker")
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not is_alive(run.pid), seconds=DEAD_S * 5, what="its child's end")
    assert is_alive(copy)


def test_a_killed_zygote_is_replaced_and_its_jobs_run_again_uncharged(
    sqlite_url: str, start: Start, grandchild: Path
) -> None:
    fleet, jobs = start(sqlite_url)
    job = jobs.enqueue("parent", seconds=4)
    run = _started(fleet, job.id)
    pid = _started_by(grandchild)
    [zygote] = children(fleet.processes[0].pid, "jobs-zygote")
    os.kill(zygote, signal.SIGKILL)
    wait_until(lambda: not (is_alive(run.pid) or is_alive(pid)), seconds=DEAD_S * 5, what="its child's end")
    ended = _wait_for(jobs, job.id, State.COMPLETED)
    assert (ended.attempts, ended.tries, ended.stored.crashes) == (2, 1, 0)
    assert "watched over it" in ended.lines[0].error_line
    assert children(fleet.processes[0].pid, "jobs-zygote") != [zygote]


@pytest.mark.parametrize(
    ("numbers", "grace_s"),
    [([signal.SIGTERM], 1), ([signal.SIGTERM, signal.SIGTERM], 60), ([signal.SIGKILL], 1)],
    ids=["stopped", "cut short", "killed"],
)
def test_nothing_isolated_outlives_its_supervisor(
    sqlite_url: str, start: Start, grandchild: Path, numbers: list[signal.Signals], grace_s: int
) -> None:
    """At the end of the grace period its handler is interrupted and its job goes back."""
    fleet, jobs = start(sqlite_url, "--grace", str(grace_s))
    job = jobs.enqueue("parent", seconds=60)
    run = _started(fleet, job.id)
    pid = _started_by(grandchild)
    supervisor = fleet.processes[0]
    for number in numbers:
        os.kill(supervisor.pid, number)
        time.sleep(0.3)  # the same signal twice at once is one
    wait_until(lambda: not (is_alive(run.pid) or is_alive(pid)), seconds=20, what="the end of the handler's group")
    wait_until(lambda: supervisor.poll() is not None, seconds=30, what="the supervisor's end")
    wait_until(lambda: not fleet.survivors(), seconds=30, what="the end of its other children")
    wait_until(lambda: jobs.get(job.id).state is not State.RUNNING, seconds=30, what="its job settled")
    assert jobs.get(job.id).state is State.PENDING
    assert jobs.get(job.id).tries == 0


def test_an_isolated_job_has_its_grace_period_when_every_process_is_told_to_end(sqlite_url: str, start: Start) -> None:
    """As a process manager does that signals all processes of a service."""
    fleet, jobs = start(sqlite_url)
    job = jobs.enqueue("alone", seconds=2)
    run = _started(fleet, job.id)
    supervisor = fleet.processes[0]
    for pid in (*children(supervisor.pid), supervisor.pid, run.pid):
        os.kill(pid, signal.SIGTERM)
    assert supervisor.wait(30) == 0
    assert jobs.get(job.id).state is State.COMPLETED
    assert fleet.survivors() == []
    assert "Traceback" not in fleet.log


def _wait_for(jobs: Jobs, id: str, state: State) -> JobSnapshot:
    wait_until(lambda: _state(jobs, id) is state, seconds=30, what=f"{id} {state}")
    found = jobs.get(id)
    assert found is not None
    return found


def _state(jobs: Jobs, id: str) -> State | None:
    found = jobs.get(id)
    return found and found.state


def _started(fleet: Fleet, id: str) -> ledger.Run:
    wait_until(lambda: ledger.read(fleet.ledger).get(id), seconds=20, what="the handler's start")
    return ledger.read(fleet.ledger)[id][0]


def _started_by(grandchild: Path) -> int:
    wait_until(lambda: grandchild.exists() and grandchild.read_text().endswith("\n"), seconds=20, what="a grandchild")
    return int(grandchild.read_text())
