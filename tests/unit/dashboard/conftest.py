"""A store in memory as the process's own, and people who act on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.app import Jobs
from core.backends.memory.backend import MemoryBackend
from core.tasks.declare import task
from core.tasks.registry import Registry
from jobs_dashboard.actions.actor import EVERYTHING, Actor
from jobs_dashboard.bridge.wiring import use


@pytest.fixture
def registry() -> Registry:
    made = Registry()

    @task(name="add", registry=made)
    def add(a: int, b: int = 0) -> int:
        return a + b

    return made


@pytest.fixture
def jobs(registry: Registry) -> Iterator[Jobs]:
    with use(Jobs(backend=MemoryBackend(), registry=registry)) as held:
        yield held


@pytest.fixture
def operator() -> Actor:
    return Actor(name="olga", door="command", permissions=EVERYTHING)


@pytest.fixture
def stranger() -> Actor:
    return Actor(name="sven", door="api")
