"""Django with one more database, on the server that the tests started."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.tasks.declare import task
from core.tasks.registry import Registry

ALIAS = "beside"
Ask = Callable[..., list[Any]]


def settings_of(host: str, **changes: Any) -> dict[str, Any]:
    """An entry of DATABASES for the test server."""
    base = connections.databases["default"]
    own = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "PASSWORD": ""}
    plain = {"HOST": host, "PORT": "", "OPTIONS": {}, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    return {**base, **own, **plain, "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "TIME_ZONE": None, **changes}


@pytest.fixture
def use_database(postgres_server: str, django_db_blocker: Any, schema: str) -> Iterator[Callable[..., Any]]:
    """Give Django one more database, with a table of the caller's in it."""
    host = dict(parse_qsl(urlsplit(postgres_server).query))["host"]

    def use(alias: str = ALIAS, **changes: Any) -> BaseDatabaseWrapper:
        connections.databases[alias] = settings_of(host, **changes)
        opened = connections[alias]
        with opened.cursor() as cursor:
            cursor.execute(f"CREATE TABLE IF NOT EXISTS orders_{schema} (id int)")
        return opened

    before = set(connections.databases)
    with django_db_blocker.unblock():
        yield use
        for alias in set(connections.databases) - before:
            connections[alias].close()
            if connections[alias].pool is not None:  # type: ignore[attr-defined]
                connections[alias].close_pool()  # type: ignore[attr-defined]
            del connections[alias]
            del connections.databases[alias]


@pytest.fixture
def registry() -> Registry:
    made = Registry()

    @task(name="ship", registry=made)
    def ship(order: int) -> int:
        return order

    return made


@pytest.fixture
def orders(ask: Ask, schema: str) -> Callable[[], int]:
    return lambda: ask(f"SELECT count(*) FROM orders_{schema}")[0][0]


@pytest.fixture
def write(schema: str) -> Callable[[int], None]:
    def insert(number: int, alias: str = ALIAS) -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"INSERT INTO orders_{schema} VALUES (%s)", [number])

    return insert
