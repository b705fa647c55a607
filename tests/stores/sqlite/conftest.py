"""An open SQLite store on a file of its own, and the shortest way to a job."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from core.backends.contract import Exchange, ExchangeReply
from core.backends.sqlite.backend import SqliteBackend
from core.model.ident import new_raw
from core.model.job import NewJob
from core.model.outcome import Outcome

MakeJob = Callable[..., NewJob]
Send = Callable[..., ExchangeReply]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "jobs.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteBackend]:
    opened = SqliteBackend(path)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def make_job() -> MakeJob:
    def make(*, arguments: bytes = b"\x80", queue: str = "mail", **fields: int) -> NewJob:
        return NewJob(queue=queue, raw=new_raw(), task="shop.send", arguments=arguments, **fields)

    return make


@pytest.fixture
def send(store: SqliteBackend) -> Send:
    """The next exchange of one worker."""
    calls = itertools.count(1)

    def exchange(outcomes: Sequence[Outcome] = (), want: int = 0) -> ExchangeReply:
        call = Exchange(queue="mail", worker="w" * 32, call=next(calls), outcomes=outcomes, want=want)
        return store.exchange(call)

    return exchange
