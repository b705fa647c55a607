"""What a supervisor says before it forks anything; the rest is shown by tests/faults."""

from dataclasses import replace

import pytest

from core.app import Jobs
from core.worker.exits import CUT_SHORT, RECYCLED, cause_of
from core.worker.plan import Plan
from core.worker.posts import Role
from core.worker.supervisor import _posts_of, run


def test_switched_off_it_runs_nothing_and_ends_well(jobs: Jobs) -> None:
    config = replace(jobs.config, enabled=False)
    assert run(Plan(make_jobs=_never, config=config)) == 0


@pytest.mark.parametrize(
    ("services", "workers", "names"),
    [
        (True, True, ["jobs-keeper", "jobs-zygote", "jobs-services", "jobs-worker-1", "jobs-worker-2"]),
        (True, False, ["jobs-services"]),
        (False, True, ["jobs-keeper", "jobs-zygote", "jobs-worker-1", "jobs-worker-2"]),
    ],
)
def test_a_plan_says_which_children_there_are(jobs: Jobs, services: bool, workers: bool, names: list[str]) -> None:
    plan = Plan(make_jobs=_never, config=jobs.config, processes=2, services=services, workers=workers)
    posts = _posts_of(plan)
    assert [post.name for post in posts] == names
    assert sum(post.role is Role.WORKER for post in posts) == (2 if workers else 0)


@pytest.mark.parametrize(
    ("wait_status", "words"),
    [
        (9, "killed by signal 9 (SIGKILL, perhaps out of memory)"),
        (11, "killed by signal 11 (SIGSEGV)"),
        (1 << 8, "exited with code 1"),
        (0, "ended"),
        (CUT_SHORT << 8, "stopped before it was done"),
        (RECYCLED << 8, "recycled because another of its handlers would not stop"),
    ],
)
def test_causes_are_told_in_words(wait_status: int, words: str) -> None:
    assert cause_of(wait_status) == words


def _never() -> Jobs:
    raise AssertionError("a supervisor opens no store")
