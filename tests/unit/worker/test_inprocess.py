"""Workers inside a process: every kind of handler, its end, and the end of the workers."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core.app import Jobs
from core.backends.contract import Exchange
from core.errors import Snooze
from core.model.job import Claim
from core.model.outcome import Charge, Outcome
from core.model.retry import Retry
from core.model.snapshot import JobSnapshot
from core.model.states import State
from core.tasks.compose import chain
from core.tasks.context import JobContext
from core.tasks.registry import Registry

AT_ONCE = Retry(max_attempts=3, backoff="none")
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    """With the host's own clock."""
    made = Jobs("memory://", registry=Registry(), poll_interval=0.02, state={"name": "app"})
    yield made
    made.close()


def test_threads_and_the_loop_run_jobs_and_keep_results(jobs: Jobs) -> None:
    async def double(n: int) -> int:
        await asyncio.sleep(0)
        return 2 * n

    jobs.register("double", double)
    jobs.register("half", lambda n: n // 2)
    with jobs.running(concurrency=3):
        made = [jobs.enqueue(name, n=n) for n in range(50) for name in ("double", "half")]
        results = [jobs.result(job.id, timeout=20) for job in made]
    assert results == [value for n in range(50) for value in (2 * n, n // 2)]


def test_a_failed_job_is_tried_again_and_a_spent_one_is_dead(jobs: Jobs) -> None:
    seen: list[int] = []

    def flaky(ctx: JobContext) -> str:
        seen.append(ctx.attempt)
        if ctx.attempt < 3:
            raise OSError("not yet")
        return "done"

    def hopeless() -> None:
        raise OSError("never")

    jobs.register("flaky", flaky, retry=AT_ONCE)
    jobs.register("hopeless", hopeless, retry=AT_ONCE)
    with jobs.running():
        job, dead = jobs.enqueue("flaky"), jobs.enqueue("hopeless")
        assert jobs.result(job.id, timeout=20) == "done"
        _until(lambda: _job(jobs, dead.id).state is State.DEAD)
    assert seen == [1, 2, 3]
    ended = _job(jobs, dead.id)
    assert (ended.attempts, ended.reason) == (3, "retries used up")


def test_the_context_tells_of_the_attempt_and_carries_the_state(jobs: Jobs) -> None:
    def look(ctx: JobContext) -> list[object]:
        return [ctx.job_id, ctx.attempt, ctx.task, ctx.queue, ctx.metadata, ctx.state["name"], ctx.token > 0]

    task = jobs.register("look", look)
    with jobs.running():
        job = jobs.enqueue(task.using(metadata={"user": 7}).request())
        assert jobs.result(job.id, timeout=20) == [job.id, 1, "look", "default", {"user": 7}, "app", True]


def test_arguments_that_no_longer_fit_are_dead_at_once(jobs: Jobs) -> None:
    jobs.register("send", lambda to: to)
    job = jobs.enqueue("send", to="a")
    jobs.registry._tasks.clear()
    jobs.register("send", lambda address: address)
    with jobs.running():
        _until(lambda: _job(jobs, job.id).state is State.DEAD)
    error = _job(jobs, job.id).error
    assert error is not None
    assert "address" in error.message


@pytest.mark.parametrize("value", [object(), "x" * 300_000])
def test_a_result_that_cannot_be_kept_fails_for_good(jobs: Jobs, value: object) -> None:
    jobs.register("give", lambda: value)
    with jobs.running():
        job = jobs.enqueue("give")
        _until(lambda: _job(jobs, job.id).state is State.DEAD)


def test_sys_exit_in_a_handler_is_a_failure_and_the_worker_lives(jobs: Jobs) -> None:
    def leave() -> None:
        raise SystemExit(0)

    async def aleave() -> None:
        raise KeyboardInterrupt

    jobs.register("leave", leave, retry=Retry(max_attempts=1))
    jobs.register("aleave", aleave, retry=Retry(max_attempts=1))
    jobs.register("after", lambda: "alive")
    with jobs.running(concurrency=1):
        ended = [jobs.enqueue("leave"), jobs.enqueue("aleave")]
        assert jobs.result(jobs.enqueue("after").id, timeout=20) == "alive"
        _until(lambda: all(_job(jobs, job.id).state is State.DEAD for job in ended))


def test_what_a_handler_left_on_the_event_loop_cannot_end_the_worker(jobs: Jobs) -> None:
    def leave() -> None:
        raise SystemExit(1)

    async def litter() -> None:
        asyncio.get_running_loop().call_later(0.01, leave)

    async def after() -> str:
        await asyncio.sleep(0.05)
        return "alive"

    jobs.register("litter", litter)
    jobs.register("after", after)
    with jobs.running():
        jobs.result(jobs.enqueue("litter").id, timeout=20)
        assert jobs.result(jobs.enqueue("after").id, timeout=20) == "alive"


def test_a_snoozed_job_comes_back_with_its_try(jobs: Jobs) -> None:
    seen: list[int] = []

    def wait_for_it(ctx: JobContext) -> int:
        seen.append(ctx.attempt)
        if len(seen) < 3:
            raise Snooze(0.05)
        return len(seen)

    jobs.register("wait", wait_for_it, retry=Retry(max_attempts=1))
    with jobs.running():
        assert jobs.result(jobs.enqueue("wait").id, timeout=20) == 3


def test_a_chain_feeds_each_step_with_the_result_before(jobs: Jobs) -> None:
    first = jobs.register("first", lambda n: n + 1)
    second = jobs.register("second", lambda n: n * 10)
    with jobs.running():
        jobs.enqueue(chain(first.request(n=1), second.request()).as_request())
        _until(lambda: len(jobs.recent(limit=5)) == 2)
    assert {job.task: job.result for job in jobs.recent(limit=5)} == {"first": 2, "second": 20}


def test_observers_hear_of_ends_and_break_nothing(jobs: Jobs) -> None:
    heard: list[tuple[str, str]] = []

    @jobs.on("completed")
    def break_first(job: JobSnapshot) -> None:
        raise RuntimeError("an observer that fails")

    for event in ("completed", "failed", "dead"):
        jobs.on(event)(lambda job, event=event: heard.append((event, job.task)))  # type: ignore[arg-type]

    def fail() -> None:
        raise ValueError

    jobs.register("fine", lambda: 1)
    jobs.register("fail", fail, retry=Retry(max_attempts=2, backoff="none"))
    with jobs.running():
        jobs.enqueue("fine")
        jobs.enqueue("fail")
        _until(lambda: len(heard) == 3)
    assert sorted(heard) == [("completed", "fine"), ("dead", "fail"), ("failed", "fail")]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_running_job_is_cancelled(jobs: Jobs, is_async: bool) -> None:
    cleaned = threading.Event()

    def spin() -> None:
        try:
            while True:
                time.sleep(0.005)
        finally:
            cleaned.set()

    async def aspin() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    jobs.register("spin", aspin if is_async else spin)
    with jobs.running():
        job = jobs.enqueue("spin")
        _until(lambda: _job(jobs, job.id).state is State.RUNNING)
        jobs.cancel(job.id)
        _until(lambda: _job(jobs, job.id).state is State.CANCELLED)
    assert cleaned.is_set()


def test_a_handler_that_looks_at_cancelled_may_end_as_it_likes(jobs: Jobs) -> None:
    def polite(ctx: JobContext) -> str:
        try:
            while not ctx.cancelled:
                time.sleep(0.005)
        except BaseException:
            pass
        return "ended in order"

    jobs.register("polite", polite)
    with jobs.running():
        job = jobs.enqueue("polite")
        _until(lambda: _job(jobs, job.id).state is State.RUNNING)
        jobs.cancel(job.id)
        assert jobs.result(job.id, timeout=20) == "ended in order"


def test_what_is_wrapped_around_sees_each_handler_in_a_context_of_its_own() -> None:
    seen: list[str] = []
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="clean")

    @contextmanager
    def around(claim: Claim) -> Iterator[None]:
        seen.append(f"before {claim.task} {mark.get()}")
        yield
        seen.append(f"after {mark.get()}")

    jobs = Jobs("memory://", registry=Registry(), around=[around], poll_interval=0.02)
    jobs.register("stain", lambda: mark.set("stained") and None)
    with jobs.running(concurrency=1):
        for _ in range(2):
            jobs.result(jobs.enqueue("stain").id, timeout=20)
    jobs.close()
    assert seen == ["before stain clean", "after stained"] * 2


def test_stop_lets_handlers_finish_and_gives_the_rest_back(jobs: Jobs) -> None:
    began = threading.Event()

    def nap() -> str:
        began.set()
        time.sleep(0.4)
        return "slept"

    jobs.register("nap", nap)
    handles = [jobs.enqueue("nap") for _ in range(4)]
    jobs.start(concurrency=1)
    assert began.wait(10)
    jobs.stop()
    states = sorted(_job(jobs, handle.id).state.value for handle in handles)
    assert states == ["completed", "pending", "pending", "pending"]
    assert jobs.backend.workers() == []


def test_after_the_grace_period_handlers_are_interrupted_and_their_jobs_go_back(jobs: Jobs) -> None:
    began = threading.Event()

    def spin() -> None:
        began.set()
        while True:
            time.sleep(0.005)

    jobs.register("spin", spin)
    job = jobs.enqueue("spin")
    jobs.start(concurrency=1)
    assert began.wait(10)
    jobs.stop(grace=0.1)
    found = _job(jobs, job.id)
    assert (found.state, found.tries) == (State.PENDING, 0)


def test_a_handler_that_cannot_be_interrupted_is_no_death_of_its_worker(jobs: Jobs) -> None:
    began, released = threading.Event(), threading.Event()

    def block() -> None:
        began.set()
        released.wait(30)

    jobs.register("block", block)
    job = jobs.enqueue("block")
    jobs.start(concurrency=1)
    assert began.wait(10)
    jobs.stop(grace=0.1)
    released.set()
    found = _job(jobs, job.id)
    assert (found.state, found.stored.losses, found.tries) == (State.PENDING, 0, 0)


def test_short_jobs_behind_a_long_one_go_back_for_others(jobs: Jobs) -> None:
    """A buffer filled by short jobs must not wait behind a long one while another worker is free."""
    release = threading.Event()

    def mixed(n: int) -> None:
        if n == 300:
            release.wait(20)

    jobs.register("mixed", mixed)
    for n in range(400):
        jobs.enqueue("mixed", n=n)
    jobs.start(concurrency=1)
    try:
        _until(lambda: jobs.stats()[0].processed == 300)
        _until(lambda: jobs.stats()[0].states[State.PENDING] == 99)
    finally:
        release.set()
    _until(lambda: jobs.stats()[0].processed == 400)


def test_queues_are_found_and_served_without_being_listed(jobs: Jobs) -> None:
    task = jobs.register("any", lambda: "ran")
    with jobs.running():
        job = jobs.enqueue(task.using(queue="made-just-now").request())
        assert jobs.result(job.id, timeout=20) == "ran"


def test_work_in_one_of_many_queues_is_found_soon(jobs: Jobs) -> None:
    task = jobs.register("any", lambda: "ran")
    for number in range(40):
        jobs.enqueue(task.using(queue=f"q{number}").request())
    with jobs.running():
        _until(lambda: sum(counts.processed for counts in jobs.stats()) == 40)
        for number in (3, 39):
            job = jobs.enqueue(task.using(queue=f"q{number}").request())
            assert jobs.result(job.id, timeout=20) == "ran"


def test_only_listed_queues_are_served(jobs: Jobs) -> None:
    task = jobs.register("any", lambda: "ran")
    with jobs.running(queues=["one"]):
        other = jobs.enqueue(task.using(queue="two").request())
        mine = jobs.enqueue(task.using(queue="one").request())
        assert jobs.result(mine.id, timeout=20) == "ran"
        assert _job(jobs, other.id).state is State.PENDING


def test_a_paused_queue_gives_nothing_until_it_is_resumed(jobs: Jobs) -> None:
    jobs.register("any", lambda: "ran")
    jobs.control.pause("default")
    with jobs.running():
        job = jobs.enqueue("any")
        time.sleep(0.2)  # long enough to be claimed, if it could be
        assert _job(jobs, job.id).state is State.PENDING
        jobs.control.resume("default")
        assert jobs.result(job.id, timeout=20) == "ran"


def test_an_isolated_task_waits_for_a_worker_process_and_says_so(jobs: Jobs) -> None:
    """There is no zygote here, and without one its limits could not be kept."""
    ran = threading.Event()
    jobs.register("apart", ran.set, isolated=True)
    jobs.register("here", lambda: "done")
    with jobs.running(concurrency=1):
        apart = jobs.enqueue("apart")
        assert [jobs.result(jobs.enqueue("here").id, timeout=20) for _ in range(5)] == ["done"] * 5
        _until(lambda: _job(jobs, apart.id).state is State.HELD)
        held = _job(jobs, apart.id)
        _until(lambda: [info for info in jobs.backend.workers() if info.tasks == ("here",)])
        time.sleep(0.2)  # it is offered to nobody meanwhile
    assert jobs.get(apart.id) == held
    assert (
        held.reason == "task apart runs isolated, which takes runworkers: a worker inside an application cannot do it"
    )
    assert (held.stored.held_at, held.attempts, ran.is_set()) == ("task:apart", 0, False)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_suspect_runs_beside_others_where_nothing_can_isolate_it(jobs: Jobs, is_async: bool) -> None:
    async def later() -> str:
        return "done"

    jobs.register("suspect", later if is_async else lambda: "done")
    job = jobs.enqueue("suspect")
    _lose(jobs, job.id)
    assert jobs.get(job.id).stored.losses == 1
    with jobs.running(concurrency=1):
        assert jobs.result(job.id, timeout=20) == "done"


def _job(jobs: Jobs, job_id: str) -> JobSnapshot:
    found = jobs.get(job_id)
    assert found is not None
    return found


def _until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def _lose(jobs: Jobs, id: str) -> None:
    """As if the worker that ran it had died."""
    call = Exchange(queue="default", worker="d" * 32, call=1, want=1)
    [claim] = jobs.backend.exchange(call).claims
    assert str(claim.ref) == id
    lost = Outcome(claim.raw, claim.token, State.PENDING, charge=Charge.LOST)
    jobs.backend.exchange(Exchange(queue="default", worker="d" * 32, call=2, outcomes=[lost]))
