"""Handlers that use Django's database in a worker: what an attempt leaves behind, and a server that was restarted."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import ConnectionHandler, connections
from django.utils import timezone, translation
from structlog.contextvars import bind_contextvars, get_contextvars

from core.app import Jobs
from core.model.retry import Retry
from core.tasks.registry import Registry
from jobs_dashboard.bridge.attempts import around_attempt
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.timeout(120)]
ALIAS = "of_handlers"
Connect = Callable[..., None]


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    """As a worker has it: one slot, so that every attempt is in the same thread."""
    made = Jobs("memory://", registry=Registry(), around=[around_attempt], poll_interval=0.02)
    with made.running(concurrency=1):
        yield made
    made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as started:
        yield started


@pytest.fixture
def connect(server: PostgresServer, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[Connect]:
    """Let handlers reach the server as Django's database, with settings of the test's choice."""

    def configure(**settings: Any) -> None:
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": str(server.folder),
            "PORT": str(server.port),
            **settings,
        }
        whole = ConnectionHandler().configure_settings({"default": {}, ALIAS: database})
        monkeypatch.setitem(connections.settings, ALIAS, whole[ALIAS])

    with django_db_blocker.unblock():
        yield configure


def session() -> int:
    """Which of the server's sessions this thread has."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def sessions_of(jobs: Jobs, count: int) -> list[int]:
    jobs.register("session", session, retry=Retry(max_attempts=3, backoff="none"))
    return [jobs.enqueue("session").result(timeout=30) for _ in range(count)]


@pytest.mark.parametrize(("max_age", "kept"), [(0, 3), (None, 1), (600, 1)])
def test_a_connection_lives_as_long_as_its_setting_says(
    jobs: Jobs, connect: Connect, max_age: int | None, kept: int
) -> None:
    connect(CONN_MAX_AGE=max_age)
    assert len(set(sessions_of(jobs, 3))) == kept


@pytest.mark.parametrize("kind", ["stop", "kill"])
@pytest.mark.parametrize(("checks", "tries"), [(True, 1), (False, 2)])
def test_a_restarted_server_costs_one_try_at_most_and_none_with_health_checks(
    jobs: Jobs, connect: Connect, server: PostgresServer, kind: str, checks: bool, tries: int
) -> None:
    connect(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=checks)
    sessions_of(jobs, 1)
    getattr(server, kind)()
    server.start()
    job = jobs.enqueue("session")
    assert isinstance(job.result(timeout=30), int)
    found = jobs.get(job.id)
    assert found is not None
    assert found.attempts == tries
    assert jobs.enqueue("session").result(timeout=30) > 0


def test_a_transaction_that_a_handler_left_open_is_not_the_next_ones(jobs: Jobs, connect: Connect) -> None:
    connect(CONN_MAX_AGE=None)

    def leave() -> bool:
        connections[ALIAS].set_autocommit(False)
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("CREATE TABLE left_open (id int)")
        raise RuntimeError("in the middle of it")

    def look() -> tuple[bool, bool]:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT to_regclass('left_open') IS NULL")
            return bool(cursor.fetchone()[0]), connections[ALIAS].get_autocommit()

    jobs.register("leave", leave, retry=Retry(max_attempts=1))
    jobs.register("look", look)
    jobs.enqueue("leave")
    assert jobs.enqueue("look").result(timeout=30) == [True, True]


@pytest.mark.parametrize("is_async", [False, True])
def test_zone_language_and_context_variables_end_with_their_attempt(jobs: Jobs, is_async: bool) -> None:
    threads: list[int] = []

    def told() -> list[Any]:
        threads.append(threading.get_ident())
        bound = sorted(get_contextvars())
        seen = [timezone.get_current_timezone_name(), translation.get_language(), bound]
        timezone.activate("Asia/Tokyo")
        translation.activate("de")
        bind_contextvars(user="ada")
        return seen

    async def atold() -> list[Any]:
        return told()

    jobs.register("told", atold if is_async else told)
    seen = [jobs.enqueue("told").result(timeout=30) for _ in range(3)]
    assert seen == [["UTC", "en-us", ["attempt", "job", "task"]]] * 3
    assert len(set(threads)) == 1
