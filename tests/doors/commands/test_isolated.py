"""Isolated jobs under Django: nothing connected comes along into their processes, what they ask for is connected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors.commands.conftest import Shell

pytestmark = pytest.mark.serial
TASKS = """
import os

from django.db import connection, connections, transaction
from django.utils import timezone, translation

from jobs_dashboard import task
from jobs_dashboard.models import OperatorAction

before = OperatorAction.objects.count  # imported in the supervisor, asked in the child


@task(isolated=True)
def apart():
    opened = [each.alias for each in connections.all(initialized_only=True) if each.connection is not None]
    with transaction.atomic():
        seen = before()
        inner.enqueue(number=seen)  # stored when this commits
    return {"opened": opened, "seen": seen, "pid": os.getpid(), "language": translation.get_language()}


@task(isolated=True)
async def apart_too():
    return await OperatorAction.objects.acount()


@task
def inner(number: int):
    return number
"""


def test_an_isolated_handler_has_a_database_and_a_store_of_its_own(
    open_shell: Callable[[str], Shell], tmp_path: Path
) -> None:
    (tmp_path / "apart_tasks.py").write_text(TASKS)
    shell = open_shell(f"sqlite:///{tmp_path / 'jobs.sqlite3'}")
    shell.environment |= {"JOBS_TASK_MODULES": "apart_tasks", "PYTHONPATH": str(tmp_path)}
    ids = [
        id
        for task in ("apart_tasks.apart", "apart_tasks.apart", "apart_tasks.apart_too")
        for id in shell.run("enqueue", task).stdout.split()
    ]
    assert len(ids) == 3

    burst = shell.run("runworkers", "--burst", "--concurrency", "2")

    assert burst.returncode == 0, burst.stderr
    first, second, third = (shell.read("jobs", "show", id)[0] for id in ids)
    assert (first["state"], second["state"], third["state"]) == ("completed",) * 3, burst.stderr
    assert [first["result"]["opened"], second["result"]["opened"]] == [[], []]
    assert first["result"]["pid"] != second["result"]["pid"]
    assert (first["result"]["language"], third["result"]) == ("en-us", first["result"]["seen"])
    counts = shell.read("jobstats")["queues"]["default"]
    assert (counts["completed"], counts["pending"]) == (5, 0)
