"""The servers that tests run on, found before the first test; and the option that makes a skip a failure."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer
from tests.redis_cluster import RedisCluster
from tests.servers import RedisServer
from tools.dev.servers import CHROMIUM, POSTGRES, REDIS, Server, find, missing_sentence

TESTS = Path(__file__).parent
STORES = ("memory", "sqlite", "redis", "postgres")
WITH_REDIS = {"conformance", "faults", "stores"}
WITH_POSTGRES = {"conformance", "faults", "stores"}
WITH_BROWSER = {"browser"}
LIBRARIES = ("hypothesis", "playwright", "yaml", "check_jsonschema")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("jobs dashboard")
    group.addoption("--stores", default=",".join(STORES), help="only these stores, e.g. memory,sqlite")
    group.addoption("--skips-fail", action="store_true", help="a skipped test makes the run fail")


def pytest_configure(config: pytest.Config) -> None:
    """End in one sentence, not in hundreds of errors, when a server or a library is missing."""
    if hasattr(config, "workerinput"):
        return  # the controller has looked already
    if any(find_spec(library) is None for library in LIBRARIES):
        raise pytest.UsageError(
            "these tests need more than requirements.txt: type ./dev test, or pip install -r requirements-dev.txt"
        )
    missing = [server for server in _needed_servers(config) if find(server) is None]
    if missing:
        raise pytest.UsageError(missing_sentence(missing))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose id names a store that was not asked for."""
    unwanted = set(STORES) - _chosen_stores(config)
    if not unwanted:
        return
    dropped = [item for item in items if unwanted & set(re.split(r"[\[\]-]", item.nodeid))]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """What did not run was not shown to work."""
    if not session.config.getoption("skips_fail") or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis of this process's own, empty at first; each pytest worker has another one."""
    with RedisServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """Three masters of this process's own, empty at first; each pytest worker has others."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL of this process's own, empty at first; each pytest worker has another one."""
    with PostgresServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium that Playwright is to start."""
    path = find(CHROMIUM)
    assert path is not None, missing_sentence([CHROMIUM])
    return str(path)


def _needed_servers(config: pytest.Config) -> list[Server]:
    folders = _chosen_folders(config)
    needed = []
    if "redis" in _chosen_stores(config) and folders & WITH_REDIS:
        needed.append(REDIS)
    if "postgres" in _chosen_stores(config) and folders & WITH_POSTGRES:
        needed.append(POSTGRES)
    if folders & WITH_BROWSER:
        needed.append(CHROMIUM)
    return needed


def _chosen_folders(config: pytest.Config) -> set[str]:
    """The folders of tests/ that the command line reaches; all of them when it names none."""
    every = {path.name for path in TESTS.iterdir() if path.is_dir() and any(path.rglob("test_*.py"))}
    chosen: set[str] = set()
    for argument in config.args:
        path = Path(config.invocation_params.dir, argument.split("::")[0]).resolve()
        if not path.is_relative_to(TESTS) or path == TESTS:
            return every
        chosen.add(path.relative_to(TESTS).parts[0])
    return chosen


def _chosen_stores(config: pytest.Config) -> set[str]:
    return set(config.getoption("stores").split(","))
