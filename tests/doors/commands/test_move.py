"""`manage.py jobs_move`: from a file to a Redis, killed on the way."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from core.app import Jobs
from core.backends.contract import PageQuery
from core.model.states import State
from core.tasks.registry import Registry

from .conftest import ROOT, Shell

JOBS = 3_000
databases = count(9)  # those that other tests leave alone


@pytest.fixture
def target(redis_server: str) -> str:
    """An empty database."""
    return f"{redis_server.rpartition('/')[0]}/{next(databases)}"


def fill(url: str) -> dict[str, tuple[str, bytes, int]]:
    """Jobs in three states and three queues; answers what is to be found again."""
    jobs = Jobs(url, registry=Registry())
    task = jobs.register("shop.work", lambda n: n)
    for queue in ("default", "mail", "slow"):
        bound = task.using(queue=queue)
        jobs.enqueue_many([bound.request(n) for n in range(JOBS // 3 - 200)])
        jobs.enqueue_many([bound.using(delay=3_600, priority=n % 7).request(n) for n in range(200)])
    found = held(jobs)
    jobs.close()
    return found


def held(jobs: Jobs) -> dict[str, tuple[str, bytes, int]]:
    waiting = (State.PENDING, State.SCHEDULED)
    pages = [jobs.backend.page(PageQuery(state=state, limit=2 * JOBS)).jobs for state in waiting]
    return {str(job.ref): (job.state, job.arguments, job.score) for page in pages for job in page}


def test_killed_again_and_again_it_moves_each_job_once(
    open_shell: Callable[[str], Shell], target: str, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    source = f"sqlite:///{tmp_path / 'old.db'}"
    shell = open_shell(source)
    before = fill(source)
    assert len(before) == JOBS
    words = [sys.executable, ROOT / "manage.py", "jobs_move", "--from", source, "--to", target]
    kills = 0
    for _ in range(40):
        process = subprocess.Popen(
            words, env=shell.environment, cwd=shell.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        new = Jobs(target, registry=Registry())
        there = len(held(new))
        while process.poll() is None and len(held(new)) < there + chance.randrange(1, JOBS // 4):
            time.sleep(0.02)
        new.close()
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += 1
    assert process.returncode == 0
    assert kills >= 2, "the kills hit too little to show anything"
    old, new = Jobs(source, registry=Registry()), Jobs(target, registry=Registry())
    assert held(new) == before
    assert held(old) == {}
    assert {counts.queue: counts.states[State.PENDING] for counts in new.stats()} == dict.fromkeys(
        ("default", "mail", "slow"), JOBS // 3 - 200
    )
    old.close()
    new.close()


def test_it_says_what_is_there_and_what_it_did(open_shell: Callable[[str], Shell], target: str, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'old.db'}"
    fill(source)
    shell = open_shell(source)
    dry = shell.run("jobs_move", "--from", source, "--to", target, "--dry-run")
    assert (dry.returncode, "800" in dry.stderr) == (0, True)
    done = shell.run("jobs_move", "--from", source, "--to", target)
    assert done.returncode == 0
    assert f"moved 2,400 pending, 600 scheduled and 0 schedules to {target}" in done.stdout
    same = shell.run("jobs_move", "--from", source, "--to", source)
    assert (same.returncode, "both are the same store" in same.stderr) == (2, True)


@pytest.mark.parametrize("url", ["memory://", "nowhere://x"])
@pytest.mark.parametrize("role", ["--from", "--to"])
def test_a_store_that_cannot_be_moved_is_refused(
    open_shell: Callable[[str], Shell], url: str, role: str, tmp_path: Path
) -> None:
    file = f"sqlite:///{tmp_path / 'new.db'}"
    other = {"--from": "--to", "--to": "--from"}[role]
    ran = open_shell(file).run("jobs_move", role, url, other, file)
    assert ran.returncode != 0
    assert "JOBS_BACKEND_URL" in ran.stderr
