"""Statements are planned once where a connection is the server's own, and never where a pooler may stand between."""

from collections.abc import Iterator
from types import SimpleNamespace

import psycopg
import pytest

from core.backends.contract import Backend, Exchange
from core.backends.postgres import pool
from core.backends.postgres.backend import PostgresBackend, open_url
from core.model.outcome import Outcome
from core.model.retention import Retention
from core.model.states import State

from .conftest import Ask, MakeJob

OFTEN = 20
KEPT = "SELECT count(*) FROM pg_prepared_statements"


@pytest.fixture(params=["listen=no", "prepare=no", "a pooler that says nothing of itself"])
def pooled(request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    if "=" in request.param:
        url = f"{url}&{request.param}"
    else:
        monkeypatch.setattr(pool, "is_the_servers_own", lambda db: False)
    store = open_url(url)
    store.open()
    yield store
    store.close()


def ask_within(store: Backend, query: str) -> list[tuple[object, ...]]:
    """On the connection that the store has used."""
    assert isinstance(store, PostgresBackend)
    return store._open_database().alone(lambda db: db.execute(query).fetchall())


def work(store: Backend, make_job: MakeJob, first: int = 1) -> None:
    outcomes: tuple[Outcome, ...] = ()
    for number in range(first, first + OFTEN):
        store.enqueue([make_job()])
        call = Exchange(queue="mail", worker="w", call=number, outcomes=outcomes, want=1, keep_completed=3)
        claims = store.exchange(call).claims
        assert len(claims) == 1
        outcomes = tuple(Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims)
        store.trim("mail", Retention(), 10)
        store.counts()


def test_a_connection_keeps_nothing_between_transactions(pooled: Backend, make_job: MakeJob):
    """What a pooler in transaction mode asks for: no prepared statement, no lock, no setting outlives a transaction."""
    settings = "SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY name"
    before = ask_within(pooled, settings)
    work(pooled, make_job)
    assert ask_within(pooled, settings) == before
    assert ask_within(pooled, KEPT) == [(0,)]
    assert ask_within(pooled, "SELECT count(*) FROM pg_cursors") == [(0,)]
    assert ask_within(pooled, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_a_connection_of_the_servers_own_plans_what_runs_often_once(store: Backend, make_job: MakeJob):
    work(store, make_job)
    for text in ("SKIP LOCKED", "INSERT INTO %finished", "ON CONFLICT DO NOTHING"):
        assert ask_within(store, f"{KEPT} WHERE statement LIKE '%{text}%' AND generic_plans + custom_plans > 0") != [
            (0,)
        ]


class _Pooler:
    """Answers the login with a number of its own, and statements from a process of the server's."""

    def __init__(self, db: psycopg.Connection[object], pid: int) -> None:
        self.info = SimpleNamespace(backend_pid=pid)
        self.execute = db.execute


def test_a_pooler_is_known_by_a_number_that_is_not_the_process_which_answers(postgres_server: str):
    with psycopg.connect(postgres_server) as db:
        assert pool.is_the_servers_own(db)  # type: ignore[arg-type]
        assert not pool.is_the_servers_own(_Pooler(db, db.info.backend_pid + 1))  # type: ignore[arg-type]


def test_statements_outlive_a_table_that_is_changed_below_them(
    store: Backend, make_job: MakeJob, ask: Ask, schema: str
):
    """As an upgrade by a newer process does it, beside which this one works on."""
    work(store, make_job)
    ask(f"ALTER TABLE {schema}.job ADD COLUMN newer int NOT NULL DEFAULT 7")
    ask(f"ALTER TABLE {schema}.finished ADD COLUMN newer int NOT NULL DEFAULT 7")
    ask(f"DROP INDEX {schema}.job_pending")
    ask(f"CREATE INDEX job_pending ON {schema}.job (queue, score, raw) WHERE state = 0")
    work(store, make_job, first=OFTEN + 1)
    assert store.counts()[0].states[State.RUNNING] == 2


def test_what_was_prepared_in_a_transaction_that_failed_is_prepared_again(store: Backend, make_job: MakeJob):
    assert isinstance(store, PostgresBackend)
    database = store._open_database()
    for _ in range(OFTEN):
        with pytest.raises(ZeroDivisionError):
            database.write(lambda tx: (tx.run("queue_find", name="mail"), 1 / 0))
        store.enqueue([make_job()])
    assert store.counts()[0].states[State.PENDING] == OFTEN
