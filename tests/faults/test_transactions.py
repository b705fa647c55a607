"""A program that is killed around the commit of its row and its job: both are there, or neither, and the job once."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from core.backends.contract import Backend
from core.backends.opener import open_backend
from core.model.ident import JobRef
from core.model.states import State
from tests.faults.fleet import ROOT, wait_until
from tests.postgres_server import PostgresServer
from tests.servers import RedisServer

SERVICE_S = 30.0


@dataclass
class Shop:
    """A Django project beside a store, used by programs of its own."""

    database_url: str
    store_url: str
    count: Callable[[], int]  # its orders
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        own = {"DATABASE_URL": self.database_url, "JOBS_BACKEND_URL": self.store_url, "SECRET_KEY": "k" * 50}
        return {**os.environ, **own, **self.settings}

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, timeout=90)

    def sell(self, point: str, order: int = 1) -> tuple[int, JobRef]:
        """Run a seller; answers how it ended, and the job it was told."""
        command = [sys.executable, "-m", "tests.faults.seller", point, str(order)]
        ended = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60)
        assert ended.stdout, ended.stderr
        return ended.returncode, JobRef.parse(ended.stdout.strip())

    def start_services(self) -> subprocess.Popen[bytes]:
        with (self.folder / "services.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "runservices"],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip


@pytest.fixture
def postgres_shop(tmp_path: Path) -> Iterator[Shop]:
    """Rows and jobs in one database."""
    with PostgresServer() as server:

        def count() -> int:
            with psycopg.connect(server.url) as db:
                return db.execute("SELECT count(*) FROM orders").fetchone()[0]  # type: ignore[index]

        with psycopg.connect(server.url) as db:
            db.execute("CREATE TABLE orders (id int)")
        yield Shop(server.url, server.url, count, tmp_path)


@pytest.fixture
def outbox_shop(tmp_path: Path) -> Iterator[Shop]:
    """Rows in SQLite, jobs in Redis, an outbox between."""
    file = tmp_path / "db.sqlite3"

    def count() -> int:
        with sqlite3.connect(file) as db:
            return db.execute("SELECT count(*) FROM orders").fetchone()[0]

    with RedisServer() as server:
        shop = Shop(f"sqlite:///{file}", server.url, count, tmp_path, {"JOBS_OUTBOX": "true"})
        shop.manage("migrate", "--verbosity=0")
        with sqlite3.connect(file) as db:
            db.execute("CREATE TABLE orders (id int)")
        yield shop


@pytest.fixture
def serving() -> Iterator[Callable[[Shop], None]]:
    """Start a shop's services; they are gone at the end."""
    started: list[subprocess.Popen[bytes]] = []
    yield lambda shop: started.append(shop.start_services())
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def total(store: Backend) -> int:
    return sum(sum(counts.states.values()) for counts in store.counts())


def entries(shop: Shop) -> int:
    with sqlite3.connect(shop.database_url.removeprefix("sqlite:///")) as db:
        return db.execute("SELECT count(*) FROM jobs_dashboard_outboxentry").fetchone()[0]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "there"), [("before commit", 0), ("after commit", 1), ("never", 1)])
def test_row_and_job_in_one_database_are_both_there_or_neither(postgres_shop: Shop, point: str, there: int) -> None:
    code, job = postgres_shop.sell(point)
    assert code == (0 if point == "never" else -signal.SIGKILL)

    store = open_backend(postgres_shop.store_url)
    wait_until(lambda: not others(postgres_shop), seconds=10, what="the server has ended the killed one's session")
    found = [each is not None for each in store.get([job])]
    assert (postgres_shop.count(), total(store), found) == (there, there, [bool(there)])
    store.close()


def others(shop: Shop) -> int:
    """Sessions of programs that write."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    with psycopg.connect(shop.database_url) as db:
        return db.execute(asked).fetchone()[0]  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before send", "before delete"])
def test_a_kill_after_the_commit_loses_nothing_and_doubles_nothing(
    outbox_shop: Shop, serving: Callable[[Shop], None], point: str
) -> None:
    code, job = outbox_shop.sell(point)
    store = open_backend(outbox_shop.store_url)
    assert (code, outbox_shop.count(), entries(outbox_shop)) == (-signal.SIGKILL, 1, 1)
    assert total(store) == (0 if point == "before send" else 1)

    serving(outbox_shop)
    wait_until(lambda: entries(outbox_shop) == 0, seconds=SERVICE_S, what="the service sends what was left")
    [found] = store.get([job])
    assert (found is not None and found.state, total(store)) == (State.PENDING, 1)
    store.close()


@pytest.mark.slow
def test_a_kill_before_the_commit_leaves_neither(outbox_shop: Shop) -> None:
    code, _ = outbox_shop.sell("before commit")
    store = open_backend(outbox_shop.store_url)
    assert (code, outbox_shop.count(), entries(outbox_shop), total(store)) == (-signal.SIGKILL, 0, 0, 0)
    store.close()


@pytest.mark.slow
def test_two_services_relay_once(outbox_shop: Shop, serving: Callable[[Shop], None]) -> None:
    jobs = [outbox_shop.sell("before send", order)[1] for order in range(3)]
    serving(outbox_shop)
    serving(outbox_shop)
    wait_until(lambda: entries(outbox_shop) == 0, seconds=SERVICE_S, what="the services send what was left")

    store = open_backend(outbox_shop.store_url)
    assert (total(store), [found is not None for found in store.get(jobs)]) == (3, [True] * 3)
    store.close()
