"""One store after another for every behaviour, each with a clock that the test moves."""

from collections.abc import Callable, Iterator

import pytest

from core.backends.contract import Backend

from .clock import FakeClock
from .invariants import assert_consistent
from .lab import Lab
from .matrix import Matrix
from .places import MemoryPlace, Place

STORES = ("memory",)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(verb, states): the cells of the matrix that a test shows")
    if not config.pluginmanager.has_plugin("conformance-matrix"):
        config.pluginmanager.register(Matrix(), "conformance-matrix")


def _place(request: pytest.FixtureRequest, name: str) -> Place:
    assert name == "memory"
    return MemoryPlace()


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.store(name)) for name in STORES])
def place(request: pytest.FixtureRequest) -> Place:
    """Where the store of this run lives, empty."""
    return _place(request, request.param)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(place: Place, clock: FakeClock) -> Iterator[Backend]:
    """An open store; when the test is over it must be consistent, whatever was done to it."""
    opened = place.connect(clock)
    try:
        yield opened
        assert_consistent(opened)
    finally:
        opened.close()


@pytest.fixture
def lab(store: Backend, clock: FakeClock) -> Lab:
    return Lab(store, clock)


@pytest.fixture
def meet(place: Place, store: Backend, clock: FakeClock) -> Iterator[Callable[[], Backend]]:
    """Opens another connection to the same store, as another process would."""
    others: list[Backend] = []

    def open_another() -> Backend:
        others.append(place.meet(store, clock))
        return others[-1]

    yield open_another
    for other in others:
        if other is not store:
            other.close()
