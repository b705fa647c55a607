"""No verb waits for ever: neither for a lock that somebody keeps, nor for a server that says nothing."""

import os
import signal
import time
from collections.abc import Iterator

import psycopg
import pytest

from core.backends.contract import Backend, Exchange
from core.backends.postgres import patience
from core.backends.postgres.backend import PostgresBackend, open_url
from core.errors import ConfigError, StoreUnavailable
from core.model.states import State
from tests.postgres_server import PostgresServer

from .conftest import MakeJob

ANSWER_S = 2.0


@pytest.fixture
def hurried(url: str, make_job: MakeJob) -> Iterator[Backend]:
    store = open_url(f"{url}&answer_seconds={ANSWER_S}")
    store.open()
    store.enqueue([make_job()])
    yield store
    store.close()


def test_a_table_that_somebody_locked_is_told_and_nothing_is_half_done(
    hurried: Backend, postgres_server: str, schema: str
):
    with psycopg.connect(postgres_server) as other:
        other.execute(f"LOCK TABLE {schema}.job IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable, match="one statement for too long"):
            hurried.exchange(Exchange(queue="mail", worker="w", call=1, want=1))
        with pytest.raises(StoreUnavailable, match="one statement for too long"):
            hurried.counts()
    assert len(hurried.exchange(Exchange(queue="mail", worker="w", call=1, want=1)).claims) == 1
    assert hurried.counts()[0].states[State.RUNNING] == 1


def test_no_setting_outlives_its_transaction(hurried: Backend):
    assert isinstance(hurried, PostgresBackend)
    shown = hurried._open_database().alone(lambda db: db.execute("SHOW statement_timeout").fetchone())
    assert shown == ("0",)


def test_a_server_that_says_nothing_is_given_up_on(monkeypatch: pytest.MonkeyPatch, make_job: MakeJob):
    monkeypatch.setattr(patience, "_GRACE_S", 0.5)
    with PostgresServer() as server:
        store = open_url(f"{server.url}&answer_seconds={ANSWER_S}")
        store.open()
        assert isinstance(store, PostgresBackend)
        pid = store._open_database().alone(lambda db: db.info.backend_pid)
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match="says nothing"):
                store.enqueue([make_job()])
            assert time.monotonic() - began < 10 * (ANSWER_S + 0.5)
            store.enqueue([make_job()])  # on another connection
        finally:
            os.kill(pid, signal.SIGCONT)
        assert store.counts()[0].states[State.PENDING] == 1
        store.close()


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_an_impatience_that_makes_no_sense_is_refused(text: str):
    with pytest.raises(ConfigError, match="answer_seconds"):
        open_url(f"postgres://jobs@localhost/jobs?answer_seconds={text}")
