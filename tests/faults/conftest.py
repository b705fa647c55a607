"""A fleet for each test, on a store of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.fleet import Fleet
from tests.postgres_server import PostgresServer
from tests.servers import RedisServer


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each durable store, empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'jobs.sqlite3'}"
        return
    if request.param == "postgres":
        with PostgresServer(fsync="on", synchronous_commit="on") as server:
            yield server.url
        return
    with RedisServer() as server:
        yield server.url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.sqlite3'}"


@pytest.fixture
def fleet_on(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    """Make a fleet on a store; all of it is gone at the end, and its log is shown when the test failed."""
    fleets: list[Fleet] = []

    def make(url: str, *options: str) -> Fleet:
        fleets.append(Fleet(url, tmp_path, list(options)))
        return fleets[-1]

    yield make
    for fleet in fleets:
        fleet.close()
    if (tmp_path / "log").exists():
        print((tmp_path / "log").read_text(errors="replace")[-20_000:])
