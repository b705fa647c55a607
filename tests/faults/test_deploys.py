"""Worker processes that are replaced, and new code that takes over: nothing is lost, and no slot stands empty."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.app import Jobs
from core.model.states import State
from tests.faults import deploying
from tests.faults.application import configure
from tests.faults.fleet import ROOT, START_S, Fleet, children, is_alive, wait_until

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]
RESTART_S = 30.0


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that stands for the code."""
    path = tmp_path / "code"
    path.write_text("v1")
    monkeypatch.setenv(deploying.CODE, str(path))
    return path


@pytest.fixture
def jobs(sqlite_url: str) -> Iterator[Jobs]:
    made = Jobs(config=configure(sqlite_url, 2.0, 10.0), registry=deploying.registry)
    yield made
    made.close()


@pytest.fixture
def fleet(sqlite_url: str, code: Path, fleet_on: Callable[..., Fleet]) -> Fleet:
    made = fleet_on(sqlite_url)
    made.module = "tests.faults.deploying"
    return made


def tried_once(jobs: Jobs, ids: list[str]) -> bool:
    found = jobs.get_many(ids)
    return all(job is not None and (job.state, job.attempts) == (State.COMPLETED, 1) for job in found)


def test_workers_that_have_run_their_jobs_are_replaced_and_lose_none(fleet: Fleet, jobs: Jobs) -> None:
    fleet.start_and_wait("--max-jobs", "10")
    made = [jobs.enqueue("where").id for _ in range(60)]
    seen = {jobs.result(job, timeout=60) for job in made}
    assert len(seen) >= 3
    assert tried_once(jobs, made)
    assert "worker is to be replaced" in fleet.log
    assert "child died" not in fleet.log


def test_an_isolated_job_has_the_hooks_and_the_middleware_of_its_application(fleet: Fleet, jobs: Jobs) -> None:
    fleet.start_and_wait()
    assert [jobs.enqueue("alone").result(timeout=30) for _ in range(2)] == [[True, "marked"]] * 2


def test_a_hangup_lets_new_code_take_over_without_a_gap(fleet: Fleet, jobs: Jobs, code: Path) -> None:
    first = fleet.start_and_wait()
    long = jobs.enqueue("version", seconds=6.0)
    wait_until(lambda: jobs.get(long.id).state is State.RUNNING, seconds=START_S, what="a long job")
    code.write_text("v2")
    made = []

    def is_new() -> bool:
        made.append(jobs.enqueue("version").id)
        return jobs.result(made[-1], timeout=20) == "v2"

    first.send_signal(signal.SIGHUP)
    wait_until(is_new, seconds=RESTART_S, what="new code")
    assert long.result(timeout=20) == "v1"  # what ran went on, however long it took
    assert tried_once(jobs, [*made, long.id])
    wait_until(lambda: not children(first.pid, "jobs-"), seconds=RESTART_S, what="the end of the old generation")
    assert first.poll() is None
    assert is_new()

    code.write_text("v3")
    first.send_signal(signal.SIGHUP)
    wait_until(lambda: is_third(jobs, made), seconds=RESTART_S, what="the code after that")
    assert tried_once(jobs, made)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    assert fleet.survivors() == []


def is_third(jobs: Jobs, made: list[str]) -> bool:
    made.append(jobs.enqueue("version").id)
    return bool(jobs.result(made[-1], timeout=20) == "v3")


def test_code_that_cannot_start_changes_nothing(fleet: Fleet, jobs: Jobs, code: Path) -> None:
    first = fleet.start_and_wait()
    code.write_text("broken")
    first.send_signal(signal.SIGHUP)
    wait_until(lambda: "the new code could not start" in fleet.log, seconds=RESTART_S, what="the refusal")
    assert jobs.enqueue("version").result(timeout=20) == "v1"
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0


def test_a_generation_whose_first_process_is_killed_ends_as_well(fleet: Fleet, jobs: Jobs, code: Path) -> None:
    first = fleet.start_and_wait()
    first.send_signal(signal.SIGHUP)
    wait_until(lambda: "the new code has taken over" in fleet.log, seconds=RESTART_S, what="the new generation")
    os.kill(first.pid, signal.SIGKILL)
    first.wait(10)
    wait_until(lambda: not fleet.survivors(), seconds=RESTART_S, what="the end of everything")


APP = """
from core.app import Jobs
from core.tasks.registry import Registry

app = Jobs("sqlite:///jobs.db", registry=Registry(), poll_interval=0.05)
app.register("version", lambda: "{version}")
{more}
"""


def test_reload_restarts_at_a_change_and_waits_out_a_syntax_error(tmp_path: Path) -> None:
    shop, log = tmp_path / "shop.py", tmp_path / "log"
    shop.write_text(APP.format(version="v1", more=""))
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "worker", "--app", "shop:app", "--reload"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    jobs = Jobs(config=configure(f"sqlite:///{tmp_path}/jobs.db", 2.0, 10.0), registry=registry_of_shop())
    try:
        assert jobs.enqueue("version").result(timeout=30) == "v1"
        shop.write_text("def broken(:\n")
        wait_until(lambda: "waiting for a change" in log.read_text(), seconds=30, what="the syntax error told")
        assert "SyntaxError" in log.read_text()
        shop.write_text(APP.format(version="v2", more=""))
        assert jobs.enqueue("version").result(timeout=30) == "v2"
        shop.write_text(APP.format(version="v3", more="@app.on_start\ndef connect():\n    raise OSError('no route')"))
        refusal = "shop.connect failed at the start of a worker: OSError: no route"
        wait_until(lambda: refusal in log.read_text(), seconds=30, what="the hook's error told")
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        jobs.close()
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
        process.wait(10)
    assert not is_alive(process.pid)


def registry_of_shop() -> object:
    made = type(deploying.registry)()
    Jobs("memory://", registry=made).register("version", lambda: "")
    return made
