"""The whole trip by commands alone, in real processes: enqueue, run, look, retry, remember."""

from __future__ import annotations

import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors.commands.conftest import ROOT, Shell

pytestmark = pytest.mark.serial
GOOD = '{"path": "%s", "module": "manage"}' % (ROOT / "manage.py")
BAD = '{"path": "%s", "module": "broken"}' % (ROOT / "examples" / "data" / "syntax_error.py")
TASK = "examples.tasks.audit_module"
TELL = (
    "from jobs_dashboard.models import AttemptRecord, JobRecord;"
    "print(sorted(JobRecord.objects.filter(queue={queue!r}).values_list('state', 'attempts')),"
    " AttemptRecord.objects.filter(job__queue={queue!r}).count())"
)


def test_enqueue_run_look_retry_remember(open_shell: Callable[[str], Shell], store_url: str) -> None:
    shell, queue = open_shell(store_url), f"q{uuid.uuid4().hex[:8]}"  # Redis is shared with other tests
    enqueued = shell.run("enqueue", TASK, "--payload", GOOD, "--count", "3", "--queue", queue)
    assert enqueued.returncode == 0, enqueued.stderr
    assert len(enqueued.stdout.split()) == 3
    [dead] = shell.run("enqueue", TASK, "--payload", BAD, "--queue", queue).stdout.split()

    burst = shell.run("runworkers", "--burst", "--queues", queue, "--concurrency", "2", "--name", "night shift")
    assert burst.returncode == 0, burst.stderr

    counts = shell.read("jobstats")["queues"][queue]
    assert (counts["completed"], counts["dead"], counts["pending"], counts["running"]) == (3, 1, 0, 0)
    [job] = shell.read("jobs", "show", dead)
    assert job["error"]["type"].endswith("PermanentError")
    assert "syntax_error.py" in job["error"]["message"]
    assert "night shift" in job["history"][0]["worker"]
    assert (
        shell.python(TELL.format(queue=queue))
        == "[('completed', 1), ('completed', 1), ('completed', 1), ('dead', 1)] 4"
    )

    assert shell.run("jobs", "retry", "--state", "dead", "--queue", queue).returncode == 0
    assert shell.run("runworkers", "--burst", "--queues", queue).returncode == 0
    assert shell.python(TELL.format(queue=queue)).endswith("('dead', 2)] 5")


def test_many_services_write_each_attempt_once(open_shell: Callable[[str], Shell], tmp_path: Path) -> None:
    shell = open_shell(f"sqlite:///{tmp_path / 'jobs.sqlite3'}")
    services = [shell.start("runservices") for _ in range(2)]
    shell.run("enqueue", TASK, "--payload", GOOD, "--count", "300", "--queue", "q")

    assert shell.run("runworkers", "--burst", "--queues", "q", "--processes", "2").returncode == 0

    for process in services:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(30) for process in services] == [0, 0], shell.log()
    told = shell.python(TELL.format(queue="q"))
    assert told.endswith("] 300")
    assert told.count("('completed', 1)") == 300


def test_workers_are_listed_while_they_run_and_leave_with_0(open_shell: Callable[[str], Shell], store_url: str) -> None:
    shell = open_shell(store_url)
    label = uuid.uuid4().hex[:8]
    process = shell.start("runworkers", "--queues", "a,b", "--concurrency", "3", "--name", label)

    worker = _worker(shell, label)

    assert (worker["queues"], worker["slots"], worker["running"]) == (["a", "b"], 3, [])
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, shell.log()
    assert label not in {each["label"] for each in shell.read("jobs", "workers")}


@pytest.mark.parametrize("command", ["runworkers", "runservices"])
def test_switched_off_says_so_and_exits_0(open_shell: Callable[[str], Shell], tmp_path: Path, command: str) -> None:
    shell = open_shell(f"sqlite:///{tmp_path / 'jobs.sqlite3'}")

    ran = shell.run(command, JOBS_ENABLED="false")

    assert ran.returncode == 0
    assert "JOBS_ENABLED" in ran.stderr


@pytest.mark.parametrize("words", [["jobstats"], ["runworkers"], ["enqueue", TASK, "--payload", GOOD]])
def test_memory_is_refused_with_the_way_out(open_shell: Callable[[str], Shell], words: list[str]) -> None:
    ran = open_shell("memory://").run(*words)

    assert ran.returncode == 2
    assert "Jobs.start()" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_store_that_is_away_ends_with_3_soon_and_without_a_traceback(open_shell: Callable[[str], Shell]) -> None:
    ran = open_shell("redis://127.0.0.1:1/0").run("jobstats")

    assert ran.returncode == 3
    assert "127.0.0.1" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_database_that_is_not_migrated_says_what_to_run(open_shell: Callable[[str], Shell], tmp_path: Path) -> None:
    shell = open_shell(f"sqlite:///{tmp_path / 'jobs.sqlite3'}")

    ran = shell.run("apitoken", "list", DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite3'}")

    assert ran.returncode == 3
    assert "migrate" in ran.stderr


def test_check_tells_where_each_setting_came_from(open_shell: Callable[[str], Shell]) -> None:
    ran = open_shell("redis://:secret@127.0.0.1:1/0").run("check", JOBS_MAX_RETRIES="7")

    assert ran.returncode == 0
    assert "secret" not in ran.stdout
    lines = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines() if line.startswith("JOBS_")}
    assert lines["JOBS_MAX_RETRIES"] == ["7", "environment"]
    assert lines["JOBS_WORKER_COUNT"] == ["4", "default"]
    assert lines["JOBS_BACKEND_URL"] == ["redis://:…@127.0.0.1:1/0", "environment"]


def _worker(shell: Shell, label: str) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = [each for each in shell.read("jobs", "workers") if each["label"] == label]
        if found:
            return found[0]
    raise AssertionError(f"no worker called {label} was heard of\n{shell.log()}")


def test_every_help_is_for_strangers(tmp_path: Path) -> None:
    shell = Shell(tmp_path, f"sqlite:///{tmp_path / 'jobs.sqlite3'}")

    def help_of(*words: str) -> subprocess.CompletedProcess[str]:
        return shell.run(*words, "--help")

    for command in ("runworkers", "runservices", "enqueue", "jobstats", "jobs", "apitoken"):
        told = help_of(command)
        assert told.returncode == 0
        assert "exit codes:" in told.stdout
