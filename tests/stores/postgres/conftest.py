"""An open PostgreSQL store in a schema of its own, and the shortest way to a job."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from core.backends.contract import Backend, Exchange, ExchangeReply
from core.backends.postgres.backend import PostgresBackend, open_url
from core.model.ident import new_raw
from core.model.job import NewJob
from core.model.outcome import Outcome

MakeJob = Callable[..., NewJob]
Send = Callable[..., ExchangeReply]
Ask = Callable[..., list[Any]]
Spent = Callable[[Callable[[], object]], list[str]]

_schemas = itertools.count()


@pytest.fixture
def schema() -> str:
    return f"own_{next(_schemas)}"


@pytest.fixture
def url(postgres_server: str, schema: str) -> str:
    return f"{postgres_server}&schema={schema}"


@pytest.fixture
def store(url: str) -> Iterator[Backend]:
    opened = open_url(url)
    opened.open()
    assert isinstance(opened, PostgresBackend)
    yield opened
    opened.close()


@pytest.fixture
def ask(postgres_server: str) -> Ask:
    """Rows of a statement, past the store."""

    def run(query: str, *values: object) -> list[Any]:
        with psycopg.connect(postgres_server, autocommit=True) as db:
            found = db.execute(query, values)
            return found.fetchall() if found.description else []

    return run


@pytest.fixture
def make_job() -> MakeJob:
    def make(*, arguments: bytes = b"\x80", queue: str = "mail", task: str = "shop.send", **fields: Any) -> NewJob:
        return NewJob(queue=queue, raw=new_raw(), task=task, arguments=arguments, **fields)

    return make


@pytest.fixture
def send(store: Backend) -> Send:
    """The next exchange of one worker."""
    calls = itertools.count(1)

    def exchange(outcomes: Sequence[Outcome] = (), want: int = 0) -> ExchangeReply:
        call = Exchange(queue="mail", worker="w" * 32, call=next(calls), outcomes=outcomes, want=want)
        return store.exchange(call)

    return exchange


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Spent:
    """What was sent meanwhile, BEGIN and COMMIT included, a text for each trip to the server: statements that share one
    are told in one text."""
    seen: list[str] = []
    parts: list[list[str]] = []  # of the trip that is being made
    execute, pipeline = psycopg.Connection.execute, psycopg.Connection.pipeline

    def counting(self: psycopg.Connection, query: str, *values: object, **options: object) -> psycopg.Cursor:
        (parts[-1] if parts else seen).append(query)
        return execute(self, query, *values, **options)

    @contextmanager
    def sharing(self: psycopg.Connection) -> Iterator[psycopg.Pipeline]:
        parts.append([])
        try:
            with pipeline(self) as shared:
                yield shared
        finally:
            seen.append("\n".join(parts.pop()))

    monkeypatch.setattr(psycopg.Connection, "execute", counting)
    monkeypatch.setattr(psycopg.Connection, "pipeline", sharing)

    def run(act: Callable[[], object]) -> list[str]:
        seen.clear()
        act()
        return list(seen)

    return run
