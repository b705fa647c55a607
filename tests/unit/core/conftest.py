"""A Jobs on a memory store with a clock that tests move, and a registry of its own."""

from collections.abc import Iterator

import pytest

from core.app import Jobs
from core.tasks import binding
from core.tasks.registry import Registry


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at_ms = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def move(self, seconds: float) -> None:
        self.at_ms += int(seconds * 1000)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def jobs(clock: HandClock, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    monkeypatch.setattr(binding, "_bound", None)
    monkeypatch.setattr(binding, "_provider", None)
    made = Jobs("memory://", registry=registry, clock=clock)
    yield made
    made.close()
