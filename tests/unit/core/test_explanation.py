"""Why a job is not running, reason by reason."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from core.app import Jobs
from core.backends.contract import Exchange
from core.errors import JobNotFound
from core.explanation import Because
from core.model.ident import JobRef
from core.model.outcome import Outcome
from core.model.states import State
from core.model.worker import WorkerInfo
from core.tasks.limit import Limit, Rate, minute
from core.tasks.task import Task

WORKER = WorkerInfo(id="a" * 32, tasks=("work",), slots=2)


def work(n: int = 0) -> None:
    """A handler."""


@pytest.fixture
def task(jobs: Jobs) -> Task[..., Any]:
    return jobs.register("work", work)


@pytest.fixture
def served(jobs: Jobs, task: Task[..., Any]) -> Task[..., Any]:
    """Its task is known to a living worker."""
    jobs.backend.beat(WORKER)
    return task


def why(jobs: Jobs, ref: JobRef) -> list[tuple[Because, str]]:
    return [(reason.kind, reason.text) for reason in jobs.control.explain(ref)]


def claim(jobs: Jobs, want: int = 1, call: int = 1) -> Any:
    return jobs.backend.exchange(Exchange(queue="default", worker="w", call=call, want=want)).claims


def test_nobody_serves_its_queue(jobs: Jobs, task: Task[..., Any]) -> None:
    ref = task.enqueue().ref
    jobs.backend.beat(replace(WORKER, queues=("mail",)))
    jobs.backend.beat(replace(WORKER, id="b" * 32, quiet=True))
    jobs.backend.beat(replace(WORKER, id="c" * 32, role="services"))
    assert why(jobs, ref) == [
        (Because.NO_WORKER, "No living worker claims from the queue default."),
        (Because.NEXT, "It is the next to be claimed."),
    ]


def test_a_worker_that_has_fallen_silent_serves_nobody(jobs: Jobs, served: Task[..., Any], clock: Any) -> None:
    ref = served.enqueue().ref
    clock.move(16)
    assert why(jobs, ref)[0][0] is Because.NO_WORKER


def test_nobody_who_serves_its_queue_knows_its_task(jobs: Jobs, task: Task[..., Any]) -> None:
    jobs.backend.beat(replace(WORKER, tasks=("other",)))
    told = "1 workers claim from the queue default, none knows the task work."
    assert (Because.UNKNOWN_TASK, told) in why(jobs, task.enqueue().ref)


def test_others_come_first(jobs: Jobs, served: Task[..., Any]) -> None:
    ref = served.enqueue().ref
    served.using(priority=5).enqueue_many([{}, {}])
    assert why(jobs, ref) == [(Because.AHEAD, "2 jobs of its queue come before it.")]


def test_every_slot_is_busy(jobs: Jobs, served: Task[..., Any]) -> None:
    ref = served.enqueue().ref
    jobs.backend.beat(replace(WORKER, running=("a", "b")))
    assert why(jobs, ref)[1] == (Because.BUSY, "Every slot that may take it is busy.")


def test_its_queue_is_paused(jobs: Jobs, served: Task[..., Any]) -> None:
    ref = served.enqueue().ref
    jobs.control.pause("default", reason="the bank is down")
    assert why(jobs, ref)[0] == (Because.PAUSED, "Its queue default is paused (the bank is down).")


def test_it_is_scheduled_and_will_expire(jobs: Jobs, served: Task[..., Any], clock: Any) -> None:
    ref = served.using(delay=timedelta(minutes=2), expires_in=60).enqueue().ref
    told = [(Because.DUE, "It is scheduled in 2 min."), (Because.DUE, "It expires in 3 min.")]
    assert why(jobs, ref) == told
    clock.move(181)
    jobs.backend.beat(WORKER)
    assert [text for _, text in why(jobs, ref)] == [
        "It is due now.",
        "It has expired: when its turn comes it is cancelled.",
    ]


def test_it_waits_for_its_retry(jobs: Jobs, served: Task[..., Any]) -> None:
    ref = served.enqueue().ref
    [claimed] = claim(jobs)
    failed = Outcome(raw=claimed.raw, token=claimed.token, state=State.FAILED, delay_ms=60_000)
    jobs.backend.exchange(Exchange(queue="default", worker="w", call=2, outcomes=[failed]))
    assert why(jobs, ref) == [(Because.DUE, "Attempt 1 failed; its retry is due in 60 s.")]


def test_its_limit_is_reached(jobs: Jobs) -> None:
    jobs.backend.beat(WORKER)
    task = jobs.register("work", work, limit=Limit(1))
    refs = [handle.ref for handle in task.enqueue_many([{}, {}, {}])]
    claim(jobs, want=3)
    told = "The limit of work is reached: 1 of 1 slots taken; 1 other waits too."
    assert why(jobs, refs[1]) == [(Because.LIMIT, told)]
    assert why(jobs, refs[0]) == [(Because.RUNNING, "It is running, in attempt 1.")]


def test_its_rate_is_used_up(jobs: Jobs) -> None:
    jobs.backend.beat(WORKER)
    task = jobs.register("work", work, rate=Rate(2, per=minute))
    refs = [handle.ref for handle in task.enqueue_many([{}, {}])]
    claim(jobs, want=2)
    [reason] = jobs.control.explain(refs[1])
    assert reason.kind is Because.RATE
    assert reason.text == "The rate of work lets one start every 30 s; nobody else waits."
    assert reason.at_ms == jobs.backend.now_ms() + 30_000


def test_no_worker_that_claimed_it_knew_its_task(jobs: Jobs, task: Task[..., Any]) -> None:
    ref = task.enqueue().ref
    [claimed] = claim(jobs)
    held = Outcome(raw=claimed.raw, token=claimed.token, state=State.HELD, held_at="task:work")
    jobs.backend.exchange(Exchange(queue="default", worker="w", call=2, outcomes=[held]))
    assert why(jobs, ref)[0] == (Because.UNKNOWN_TASK, "No worker that claimed it knows the task work.")


def test_it_has_ended(jobs: Jobs, task: Task[..., Any]) -> None:
    ref = task.enqueue().ref
    jobs.cancel(str(ref), reason="wrong address")
    assert why(jobs, ref) == [(Because.ENDED, "It is cancelled: wrong address.")]


def test_it_is_not_there(jobs: Jobs) -> None:
    with pytest.raises(JobNotFound, match="no job has the id"):
        jobs.control.explain(JobRef("default", bytes(14)))
