"""For tests of applications: jobs that run when the test says so, in its own thread, on a clock that it moves.

    pytest_plugins = ["jobs_dashboard.testing"]

    def test_welcome(jobs):            # a Jobs of this test alone, in memory; tasks enqueue to it
        sign_up("ada@example.com")
        [job] = jobs.drain()           # run what is due, here and now
        assert job.state == "completed"

    def test_at_once(inline_jobs):     # every enqueue runs its job before it returns, and raises what it raises
        sign_up("ada@example.com")

Enqueues are stored at once, also inside a transaction: Django's TestCase never commits, so waiting for its commit would
wait for ever. Wrap code in `captureOnCommitCallbacks(execute=True)` where the commit itself is what you test.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .app import Jobs
from .backends.contract import Exchange
from .model.job import Claim, unpack_options
from .model.outcome import Outcome
from .model.retry import Retry
from .model.snapshot import JobSnapshot
from .model.states import State
from .tasks import binding
from .tasks.handle import JobHandle
from .tasks.request import JobRequest
from .worker.attempt import Attempt, Finished
from .worker.executor import Executor
from .worker.notes import note_of
from .worker.seat import ThreadSeat
from .worker.settlement import Settlement, expired, unknown_task
from .worker.storetime import StoreTime

_MOST_RUNS = 10_000  # a test that runs more has a job that enqueues itself


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now_ms(self) -> int:
        return int(self._now.timestamp() * 1000)

    def move(self, by: timedelta | float) -> None:
        """Forward by a timedelta or by seconds."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)


class TestJobs(Jobs):
    """A Jobs whose jobs run in the thread that drains it. It takes every keyword of Jobs but `clock`."""

    __test__ = False  # not a test class, whatever its name says to pytest

    def __init__(self, *, inline: bool = False, **keywords: Any) -> None:
        self.clock = FakeClock()
        super().__init__("memory://", clock=self.clock, **keywords)
        self._inline = inline
        self._hand = Hand(self)

    def enqueue_many(self, requests: Sequence[JobRequest]) -> list[JobHandle[Any]]:
        handles = super().enqueue_many(requests)
        if self._inline:
            self._hand.drain(raises=True)
        return handles

    def drain(self, *, raises: bool = False) -> list[JobSnapshot]:
        """Run what is due, and what that enqueues, until nothing is; answers the jobs that ran, as they are now.

        raises: let the first error of a handler out, instead of leaving it to the job's retry.
        """
        ran = self._hand.drain(raises=raises)
        return [job for job in self.get_many(dict.fromkeys(ran)) if job is not None]

    def move(self, by: timedelta | float) -> None:
        """Let time pass for delays, retries and schedules."""
        self.clock.move(by)


class _OnTheDot(Settlement):
    """Retries without jitter: after exactly the wait that the task's `Retry` tells, the same in every run of a test."""

    def retry_of(self, attempt: Attempt) -> Retry:
        return replace(super().retry_of(attempt), jitter="none")


class Hand:
    """A worker of one slot that works when it is told to."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._calls = 0
        self._time = StoreTime()
        self._settlement = _OnTheDot(jobs.config, self._time, worker="test")
        self._executor = Executor(jobs, self._settlement, on_start=_say_nothing, on_note=self._note)
        self._is_busy = False

    def drain(self, *, raises: bool) -> list[str]:
        """The public ids of what ran, in order; a job that ran twice stands twice."""
        if self._is_busy:  # a handler enqueued inline: what it made runs after it, in the drain that is under way
            return []
        self._is_busy = True
        try:
            ran: list[str] = []
            while (claim := self._claim()) is not None:
                ran.append(str(claim.ref))
                self._run(claim, raises=raises)
                assert len(ran) < _MOST_RUNS, f"{_MOST_RUNS} runs in one drain: does {claim.task} enqueue itself?"
            return ran
        finally:
            self._is_busy = False

    def _claim(self) -> Claim | None:
        for counts in self._jobs.stats():
            claims = self._exchange(counts.queue, (), want=1)
            if claims:
                return claims[0]
        return None

    def _run(self, claim: Claim, *, raises: bool) -> None:
        task = self._jobs.registry.get(claim.task)
        if task is None:
            self._exchange(claim.queue, [unknown_task(claim)])
            return
        options = unpack_options(claim.options)
        late = expired(claim, options)
        if late is not None:
            self._exchange(claim.queue, [late])
            return
        finished = self._attempt(Attempt(claim, task, options, _no_slot))
        if finished.outcome is not None:
            self._exchange(claim.queue, [finished.outcome])
            self._tell(finished)
        if raises and finished.error is not None:
            raise finished.error

    def _attempt(self, attempt: Attempt) -> Finished:
        attempt.started, attempt.started_ms = time.monotonic(), self._time.now_ms()
        if attempt.task.is_async:
            return asyncio.run(self._executor.run_on_loop(attempt))
        seat = ThreadSeat()
        seat.sit()
        return self._executor.run_in_thread(attempt, seat)

    def _exchange(self, queue: str, outcomes: Sequence[Outcome], want: int = 0) -> Sequence[Claim]:
        self._calls += 1
        call = Exchange(queue=queue, worker="test", call=self._calls, outcomes=outcomes, want=want, lease_ms=3_600_000)
        reply = self._jobs.backend.exchange(call)
        self._time.heard(reply.now_ms)
        return reply.claims

    def _note(self, attempt: Attempt) -> None:
        """At once, so that a test may look while the handler runs."""
        page = None if attempt.notebook is None else attempt.notebook.take()
        if page is not None:
            self._jobs.backend.note(attempt.claim.queue, [note_of(attempt.claim, page)])

    def _tell(self, finished: Finished) -> None:
        assert finished.outcome is not None
        job = self._jobs.get(str(finished.attempt.claim.ref))
        if job is not None and finished.outcome.state in (State.COMPLETED, State.FAILED, State.DEAD):
            for observer in self._jobs.registry.observers(finished.outcome.state.value):
                observer(job)


def _no_slot() -> int:
    """Nobody watches over these attempts."""
    return 0


def _say_nothing(attempt: Attempt) -> None:
    """Tests read results, not logs."""


@contextmanager
def jobs_for_tests(*, inline: bool = False, **keywords: Any) -> Iterator[TestJobs]:
    """A Jobs of its own for a block: what tasks enqueue goes there. For unittest, or to make your own fixture."""
    made = TestJobs(inline=inline, **keywords)
    try:
        with binding.bound_to(made):
            yield made
    finally:
        made.close()


@pytest.fixture
def jobs() -> Iterator[TestJobs]:
    """Jobs wait until the test calls `jobs.drain()`."""
    with jobs_for_tests() as made:
        yield made


@pytest.fixture
def inline_jobs() -> Iterator[TestJobs]:
    """Every enqueue runs its job before it returns."""
    with jobs_for_tests(inline=True) as made:
        yield made
