"""An engine on a memory store with a clock that stands until it is moved."""

from collections.abc import Iterator

import pytest

from core.app import Jobs
from core.tasks.registry import Registry
from tests.unit.worker.bench import Bench, HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def jobs(clock: HandClock) -> Iterator[Jobs]:
    """Nothing runs in it until a test makes it run."""
    made = Jobs("memory://", registry=Registry(), clock=clock, poll_interval=0.02, lease=30, code_version="v7")
    yield made
    made.close()


@pytest.fixture
def bench(jobs: Jobs) -> Bench:
    return Bench(jobs)
