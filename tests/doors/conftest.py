"""What the doors' tests share: a store in memory as the process's own, with two tasks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.app import Jobs
from core.backends.memory.backend import MemoryBackend
from core.tasks.declare import task
from core.tasks.registry import Registry
from jobs_dashboard.bridge.wiring import use


@pytest.fixture
def registry() -> Registry:
    made = Registry()

    @task(name="shop.add", registry=made)
    def add(a: int, b: int = 0) -> int:
        return a + b

    @task(name="shop.note", queue="mail", registry=made)
    def note(**anything: object) -> None: ...

    return made


@pytest.fixture
def jobs(registry: Registry) -> Iterator[Jobs]:
    with use(Jobs(backend=MemoryBackend(), registry=registry)) as held:
        yield held
