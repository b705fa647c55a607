"""What stands around handlers, and what a worker process does at its start and end."""

import asyncio
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from core.app import Jobs
from core.errors import Cancelled, ConfigError, PermanentError
from core.model.retry import Retry
from core.model.states import State
from core.tasks.context import JobContext
from core.tasks.registry import Registry
from core.testing import TestJobs, jobs_for_tests
from core.worker.interrupts import TimeoutInterrupt

pytestmark = pytest.mark.timeout(60)
Steps = Generator[Any, Any, Any]


@pytest.fixture
def jobs() -> Iterator[TestJobs]:
    with jobs_for_tests(registry=Registry()) as made:
        made.register("add", lambda a, b=0: a + b)
        made.register("aadd", aadd)
        made.register("fails", fails, retry=Retry(max_attempts=1))
        yield made


async def aadd(a: int, b: int = 0) -> int:
    await asyncio.sleep(0)
    return a + b


def fails() -> None:
    raise ValueError("of the handler")


def ran(jobs: TestJobs, name: str, **arguments: Any) -> Any:
    """The job, after it ran."""
    jobs.enqueue(name, **arguments)
    [job] = jobs.drain()
    return job


@pytest.mark.parametrize("name", ["add", "aadd"])
def test_middleware_stands_around_every_kind_of_handler_outermost_first(jobs: TestJobs, name: str) -> None:
    seen: list[object] = []

    def layer(mark: str) -> Any:
        def around(ctx: JobContext) -> Steps:
            seen.append((mark, ctx.task))
            result = yield
            seen.append((mark, result))
            return result + 1

        return around

    jobs.middleware(layer("outer"))
    jobs.middleware(layer("inner"))
    assert ran(jobs, name, a=1).result == 3
    assert seen == [("outer", name), ("inner", name), ("inner", 1), ("outer", 2)]


@pytest.mark.parametrize("name", ["add", "aadd"])
def test_it_may_answer_in_the_handlers_place(jobs: TestJobs, name: str) -> None:
    @jobs.middleware
    def cached(ctx: JobContext) -> Steps:
        if ctx.arguments["a"] == 7:
            return "from the cache"
        yield

    assert ran(jobs, name, a=7).result == "from the cache"
    assert ran(jobs, name, a=8).result == 8


def test_it_may_change_the_arguments_and_the_handler_needs_no_context(jobs: TestJobs) -> None:
    @jobs.middleware
    def doubled(ctx: JobContext) -> Steps:
        ctx.arguments["a"] *= 2
        yield

    assert ran(jobs, "add", a=3, b=1).result == 7


def test_a_result_that_it_does_not_speak_of_stays(jobs: TestJobs) -> None:
    @jobs.middleware
    def silent(ctx: JobContext) -> Steps:
        yield

    assert ran(jobs, "add", a=1).result == 1


@pytest.mark.parametrize(("error", "state"), [(Cancelled("closed"), "cancelled"), (PermanentError("no"), "dead")])
def test_what_it_raises_is_judged_as_the_handlers_own(jobs: TestJobs, error: Exception, state: str) -> None:
    @jobs.middleware
    def closed(ctx: JobContext) -> Steps:
        raise error
        yield

    job = ran(jobs, "add", a=1)
    assert (job.state, job.result) == (state, None)
    assert "test_middleware.py" in job.error.traceback


def test_it_is_shown_the_handlers_error_and_may_change_or_forgive_it(jobs: TestJobs) -> None:
    answers: list[Any] = []

    @jobs.middleware
    def judge(ctx: JobContext) -> Steps:
        try:
            yield
        except ValueError as error:
            if not answers:
                answers.append(str(error))
                raise PermanentError("of the middleware") from error
            return "forgiven"

    job = ran(jobs, "fails")
    assert (job.state, job.error.message, answers) == (State.DEAD, "of the middleware", ["of the handler"])
    assert "ValueError: of the handler" in job.error.traceback
    assert ran(jobs, "fails").result == "forgiven"


def test_an_error_that_it_does_not_catch_passes_through_it(jobs: TestJobs) -> None:
    ended: list[str] = []

    @jobs.middleware
    def tidy(ctx: JobContext) -> Steps:
        try:
            yield
        finally:
            ended.append("tidied")

    job = ran(jobs, "fails")
    assert (job.state, job.error.message, ended) == (State.DEAD, "of the handler", ["tidied"])


def test_a_handlers_stop_iteration_is_an_error_and_no_result(jobs: TestJobs) -> None:
    @jobs.middleware
    def silent(ctx: JobContext) -> Steps:
        yield

    jobs.register("stops", lambda: next(iter(())), retry=Retry(max_attempts=1))
    job = ran(jobs, "stops")
    assert (job.state, job.error.type) == (State.DEAD, "StopIteration")


def test_a_second_yield_is_told(jobs: TestJobs) -> None:
    @jobs.middleware
    def twice(ctx: JobContext) -> Steps:
        yield
        yield

    assert ran(jobs, "add", a=1).error.message.endswith("twice yields twice: a middleware yields once")


def test_what_is_no_generator_function_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="is no middleware: write a generator function"):
        Jobs("memory://", registry=Registry(), middleware=[lambda ctx: None])


def test_those_of_the_jobs_stand_outside_and_survive_a_fork(jobs: TestJobs) -> None:
    def one(ctx: JobContext) -> Steps:
        yield

    def two(ctx: JobContext) -> Steps:
        yield

    made = Jobs("memory://", registry=Registry(), middleware=[one])
    made.middleware(two)
    again = made.reopened()
    try:
        assert again.layers == made.layers == (one, two)
    finally:
        again.close()
        made.close()


def test_it_runs_within_the_timeout() -> None:
    made = Jobs("memory://", registry=Registry(), poll_interval=0.02)
    seen: list[type[BaseException]] = []

    @made.middleware
    def slow(ctx: JobContext) -> Steps:
        try:
            while True:
                sum(range(1000))
        except TimeoutInterrupt as error:
            seen.append(type(error))
            raise
        yield

    made.register("add", lambda: 1, timeout=0.3, retry=Retry(max_attempts=1))
    with made.running():
        job = made.enqueue("add")
        with pytest.raises(Exception, match="TimeoutError: ran longer than its timeout"):
            made.result(job.id, timeout=20)
    made.close()
    assert seen == [TimeoutInterrupt]


# Hooks


def test_hooks_run_before_the_first_job_and_after_the_last_in_opposite_order() -> None:
    made = Jobs("memory://", registry=Registry(), poll_interval=0.02)
    seen: list[str] = []
    made.on_start(lambda: seen.append("one"))

    @made.on_start
    async def two() -> None:
        await asyncio.sleep(0)
        seen.append("two")

    made.on_stop(lambda: seen.append("not one"))

    @made.on_stop
    async def not_two() -> None:
        await asyncio.sleep(0)
        seen.append("not two")
        raise OSError("keeps nothing from ending")

    made.register("work", lambda: seen.append("work"))
    job = made.enqueue("work")
    with made.running():
        made.result(job.id, timeout=20)
    made.close()
    assert seen == ["one", "two", "work", "not two", "not one"]


def test_a_worker_whose_start_fails_refuses_with_the_sentence() -> None:
    made = Jobs("memory://", registry=Registry())
    seen: list[str] = []
    made.on_stop(lambda: seen.append("stopped"))

    @made.on_start
    def connect() -> None:
        raise OSError("no route")

    with pytest.raises(ConfigError, match=r"connect failed at the start of a worker: OSError: no route"):
        made.start()
    made.register("work", lambda: None)
    made.enqueue("work")
    assert seen == ["stopped"]
    assert [count.states[State.PENDING] for count in made.stats() if count.queue == "default"] == [1]
    made.close()


def test_a_hook_takes_nothing() -> None:
    made = Jobs("memory://", registry=Registry())
    with pytest.raises(ConfigError, match="cannot be called at a worker's start or end"):
        made.on_start(lambda app: None)
    made.close()
