"""The tools for users' tests: jobs that run when the test says so, inline, and inside Django's TestCase."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import TestCase

from core.errors import PermanentError, Snooze
from core.model.retry import Retry
from core.model.states import State
from core.tasks.compose import chain
from core.tasks.context import JobContext
from core.tasks.declare import task
from core.tasks.registry import Registry
from core.testing import TestJobs, jobs_for_tests

declared = Registry()
runs: list[str] = []


@task(registry=declared, name="note")
def note(text: str) -> str:
    runs.append(text)
    return text.upper()


@task(registry=declared, name="fragile", retry=Retry(max_attempts=2, base=60, jitter="none"))
def fragile(ctx: JobContext) -> int:
    if ctx.attempt == 1:
        raise ValueError("not yet")
    return ctx.attempt


@task(registry=declared, name="hopeless")
def hopeless() -> None:
    raise PermanentError("never")


@task(registry=declared, name="parent")
def parent() -> None:
    note.enqueue("child")
    runs.append("parent")


@task(registry=declared, name="patient")
async def patient(ctx: JobContext) -> str:
    if not runs:
        raise Snooze(timedelta(seconds=5))
    return "done"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    runs.clear()
    yield
    runs.clear()


@pytest.fixture
def held() -> Iterator[TestJobs]:
    with jobs_for_tests(registry=declared) as jobs:
        yield jobs


@pytest.fixture
def inline() -> Iterator[TestJobs]:
    with jobs_for_tests(inline=True, registry=declared) as jobs:
        yield jobs


def test_nothing_runs_before_the_drain(held: TestJobs) -> None:
    handle = note.enqueue("a")
    assert runs == []
    [job] = held.drain()
    assert (runs, job.id, job.state, job.result) == (["a"], handle.id, State.COMPLETED, "A")
    assert held.drain() == []


def test_a_drain_runs_what_jobs_enqueue(held: TestJobs) -> None:
    parent.enqueue()
    assert [job.task for job in held.drain()] == ["parent", "note"]
    assert runs == ["parent", "child"]


def test_a_failed_job_waits_for_its_retry_until_time_is_moved(held: TestJobs) -> None:
    handle = fragile.enqueue()
    assert [job.state for job in held.drain()] == [State.FAILED]
    held.move(59)
    assert held.drain() == []
    held.move(1)
    [job] = held.drain()
    assert (job.state, job.attempts, handle.result(timeout=0)) == (State.COMPLETED, 2, 2)


def test_a_dead_job_says_why(held: TestJobs) -> None:
    hopeless.enqueue()
    [job] = held.drain()
    assert job.error is not None
    assert (job.state, job.error.message) == (State.DEAD, "never")
    assert "test_testing.py" in job.error.traceback


def test_a_drain_may_raise(held: TestJobs) -> None:
    hopeless.enqueue()
    with pytest.raises(PermanentError, match="never"):
        held.drain(raises=True)


def test_delays_and_snoozes_wait(held: TestJobs) -> None:
    note.using(delay=30).enqueue("late")
    patient.enqueue()
    assert [job.state for job in held.drain()] == [State.SCHEDULED]
    held.move(30)
    runs.append("go")
    assert sorted(job.task for job in held.drain()) == ["note", "patient"]
    assert held.stats()[0].states[State.COMPLETED] == 2


def test_a_job_whose_turn_comes_too_late_is_cancelled(held: TestJobs) -> None:
    job = note.using(delay=30, expires_in=60).enqueue("late")
    held.move(91)
    assert [one.state for one in held.drain()] == [State.CANCELLED]
    assert runs == []
    held.retry(job.id)
    assert [one.state for one in held.drain()] == [State.COMPLETED]


def test_a_unique_key_is_held_as_long_as_was_said(held: TestJobs) -> None:
    first = note.using(unique_key="k", unique_for=60).enqueue("one")
    held.drain()
    again = note.using(unique_key="k").enqueue("two")
    assert (again.id, again.created) == (first.id, False)
    held.move(61)
    assert note.using(unique_key="k", unique_while="pending").enqueue("three").created


def test_a_chain_feeds_its_steps(held: TestJobs) -> None:
    chain(note.request("x"), note.request()).enqueue()
    assert [job.result for job in held.drain()] == ["X", "X"]
    assert runs == ["x", "X"]


def test_inline_runs_before_enqueue_returns(inline: TestJobs) -> None:
    assert note.enqueue("a").result(timeout=0) == "A"
    parent.enqueue()
    assert runs == ["a", "parent", "child"]


def test_inline_lets_errors_out(inline: TestJobs) -> None:
    with pytest.raises(PermanentError, match="never"):
        hopeless.enqueue()


def test_a_job_that_enqueues_itself_is_caught(held: TestJobs) -> None:
    @task(registry=held.registry, name="endless")
    def endless() -> None:
        endless.enqueue()

    endless.enqueue()
    with pytest.raises(AssertionError, match="does endless enqueue itself"):
        held.drain()


def test_observers_are_told(held: TestJobs) -> None:
    told: list[Any] = []
    held.on("completed")(told.append)
    note.enqueue("a")
    held.drain()
    assert [job.result for job in told] == ["A"]


class InsideATransaction(TestCase):
    """Django rolls back around each of these tests, so that on_commit never fires."""

    def test_an_enqueue_inside_atomic_is_there_at_once(self) -> None:
        with jobs_for_tests(registry=declared) as jobs:
            with transaction.atomic():
                note.enqueue("a")
            assert [job.state for job in jobs.drain()] == [State.COMPLETED]


def test_notes_are_read_at_once() -> None:
    seen: list[object] = []

    def tells(ctx: JobContext) -> None:
        ctx.progress(1, 4)
        ctx.checkpoint([1])
        job = jobs.get(ctx.job_id)
        assert job is not None
        assert job.progress is not None
        seen.append((job.progress.ratio, job.checkpoint, ctx.cursor))
        ctx.log("half way")
        raise ValueError("not yet")

    with jobs_for_tests(registry=Registry()) as jobs:
        jobs.register("tells", tells)
        jobs.enqueue("tells")
        [job] = jobs.drain()
    assert (seen, job.state) == ([(0.25, [1], None)], State.FAILED)
    assert job.log == "attempt 1\n" + job.log.splitlines()[1] + "\n"
    assert job.log.endswith("half way\n")


def test_an_isolated_task_runs_in_the_thread_that_drains_like_any_other() -> None:
    ran_in: list[int] = []
    with jobs_for_tests(registry=Registry()) as jobs:
        jobs.register("apart", lambda: ran_in.append(threading.get_ident()), isolated=True, memory_limit="64MB")
        jobs.enqueue("apart")
        [job] = jobs.drain()
    assert (job.state, ran_in) == (State.COMPLETED, [threading.get_ident()])
