"""One store after another for every behaviour, each with a clock that the test moves."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from core.backends.contract import Backend
from tests.postgres_server import PostgresServer
from tests.redis_cluster import RedisCluster
from tests.servers import RedisServer

from .clock import FakeClock
from .invariants import assert_consistent
from .lab import Lab
from .machine import profiles as profiles  # registered before the command line's is loaded
from .matrix import Matrix
from .places import (
    Losable,
    LosablePostgres,
    LosableRedis,
    LosableRedisCluster,
    MemoryPlace,
    Place,
    PostgresPlace,
    RedisClusterPlace,
    RedisPlace,
    SqlitePlace,
)

STORES = ("memory", "sqlite", "redis", "redis-cluster", "postgres")
REDIS_DATABASES = {"one": 0, "two": 1, "run": 2}
schemas = count()
prefixes = count()
Chooser = Callable[[str, str], Place]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(verb, states): the cells of the matrix that a test shows")
    if not config.pluginmanager.has_plugin("conformance-matrix"):
        config.pluginmanager.register(Matrix(), "conformance-matrix")


def marked(*names: str) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.store(name)) for name in names]


def wanted_stores(config: pytest.Config) -> list[str]:
    """The kinds of store that this run has; a cluster is a Redis of a kind."""
    wanted = config.getoption("stores").split(",")
    return [name for name in STORES if name.partition("-")[0] in wanted]


@pytest.fixture
def choose(request: pytest.FixtureRequest, tmp_path: Path) -> Chooser:
    """Makes the place of a store of a kind, empty; another label gives another, separate store."""
    runs = count()

    def make(name: str, label: str) -> Place:
        if name == "memory":
            return MemoryPlace()
        if name == "redis":
            return RedisPlace(request.getfixturevalue("redis_server"), REDIS_DATABASES[label])
        if name == "redis-cluster":
            cluster = request.getfixturevalue("redis_cluster")
            if label == "one":
                cluster.clear()
            return RedisClusterPlace(cluster, f"{label}-{next(prefixes)}")
        if name == "postgres":
            return PostgresPlace(request.getfixturevalue("postgres_server"), f"{label}_{next(schemas)}")
        return SqlitePlace(tmp_path / f"{label}-{next(runs)}.db")

    return make


@pytest.fixture(params=marked(*STORES))
def place(request: pytest.FixtureRequest, choose: Chooser) -> Place:
    """Where the store of this run lives, empty."""
    return choose(request.param, "one")


@pytest.fixture
def elsewhere(place: Place, choose: Chooser) -> Place:
    """Where another store of the same kind lives."""
    return choose(place.kind, "two")


@pytest.fixture(params=marked(*(name for name in STORES if name != "memory")))
def durable_place(request: pytest.FixtureRequest, choose: Chooser) -> Place:
    """Like `place`, of those stores that are still there tomorrow."""
    return choose(request.param, "one")


@pytest.fixture(params=marked(*(name for name in STORES if name != "memory")))
def losable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Losable]:
    """A store that a test may take away."""
    if request.param == "redis":
        with RedisServer() as server:
            yield LosableRedis(server)
    elif request.param == "redis-cluster":
        with RedisCluster() as cluster:
            yield LosableRedisCluster(cluster)
    elif request.param == "postgres":
        with PostgresServer() as server:
            yield LosablePostgres(server)
    else:
        yield SqlitePlace(tmp_path / "losable.db")


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
def other(elsewhere: Place, clock: FakeClock) -> Iterator[Lab]:
    """Another store of the same kind, which must be consistent afterwards too."""
    opened = elsewhere.connect(clock)
    try:
        yield Lab(opened, clock)
        assert_consistent(opened)
    finally:
        opened.close()


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
