"""Statements that share a trip fail as they would one by one: the first error is told, and nothing is half done."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg import errors

from core.backends.contract import Backend
from core.backends.postgres import patience
from core.backends.postgres.backend import PostgresBackend, open_url
from core.backends.postgres.database import Database
from core.backends.postgres.transaction import Transaction
from core.backends.postgres.trip import one_trip, roll_back
from core.errors import StoreUnavailable
from core.model.states import State
from tests.postgres_server import PostgresServer

from .conftest import Ask, MakeJob

FAIL = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$"


@pytest.fixture
def database(store: Backend) -> Database:
    assert isinstance(store, PostgresBackend)
    return store._open_database()


@pytest.mark.parametrize(
    ("code", "error"),
    [("40001", errors.SerializationFailure), ("40P01", errors.DeadlockDetected), ("57014", errors.QueryCanceled)],
)
def test_the_first_error_of_a_trip_is_told(database: Database, code: str, error: type[psycopg.Error]):
    def fail(db: psycopg.Connection) -> None:
        with one_trip(db):
            db.execute("SELECT 1")
            db.execute(FAIL.format(code=code))
            for _ in range(20):
                db.execute("SELECT 1")
                db.execute("SELECT repeat('x', 100000)")

    def told(db: psycopg.Connection) -> None:
        db.execute("BEGIN")
        with pytest.raises(error):
            fail(db)
        roll_back(db)
        assert db.execute("SELECT 1").fetchone() == (1,)

    for _ in range(5):
        database.alone(told)


class _AnswersInTwoParts:
    """The driver's end of a pipeline, when the answers after the error arrive later: it raises what it met last."""

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        yield
        try:
            raise errors.DeadlockDetected("of the first part")
        finally:
            raise errors.PipelineAborted("of the second part")


def test_the_first_error_is_told_also_when_the_driver_has_met_another_since():
    with pytest.raises(errors.DeadlockDetected), one_trip(_AnswersInTwoParts()):  # type: ignore[arg-type]
        pass


def test_what_is_ended_for_the_sake_of_another_at_the_very_end_is_done_again(database: Database, make_job: MakeJob):
    """The counters are written in one trip with the commit, which the server skips when they fail."""
    turns: list[int] = []

    def count_something(tx: Transaction) -> None:
        turns.append(len(turns))
        queue = tx.queue("mail", is_known=True)
        tx.arrived(queue, State.PENDING)
        if len(turns) == 1:
            flush = tx.flush

            def failing_flush(channel: str, loud: list[str]) -> None:
                tx.db.execute(FAIL.format(code="40P01"))
                flush(channel, loud)

            tx.flush = failing_flush  # type: ignore[method-assign,assignment]

    database.write(count_something)
    assert len(turns) == 2
    pending = f"SELECT sum(pending) FROM {database.sql.schema}.counter"
    assert database.alone(lambda db: db.execute(pending).fetchone()) == (1,)


@pytest.mark.parametrize("times", range(3, 10))
def test_what_was_to_be_prepared_in_a_trip_that_failed_is_not_taken_for_prepared(database: Database, times: int):
    """A statement is prepared after some runs. Whenever that was, those after it work."""

    def fail(db: psycopg.Connection) -> None:
        with one_trip(db):
            db.execute("SELECT 1 / %s", (0,))
            db.execute("SELECT 'skipped', %s", (1,))

    def work(db: psycopg.Connection) -> None:
        for runs in (0, 0, times):
            for _ in range(runs):
                db.execute("SELECT 'skipped', %s", (1,))
            db.execute("BEGIN")
            with pytest.raises(errors.DivisionByZero):
                fail(db)
            roll_back(db)
        assert db.execute("SELECT 'skipped', %s", (1,)).fetchone() == ("skipped", 1)

    database.alone(work)


def test_a_commit_that_fails_is_told_and_leaves_nothing(database: Database, store: Backend, ask: Ask, schema: str):
    """As a deferred constraint does it, and a serialization failure."""
    ask(f"""
        CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = 'disk_full'; END $$""")
    ask(f"""
        CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON {schema}.queue DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION {schema}.refuse()""")
    with pytest.raises(StoreUnavailable, match="no room"):
        store.pause("mail", "tired")
    ask(f"DROP TRIGGER refuse ON {schema}.queue")
    assert not any(queue.is_paused for queue in store.counts())
    store.pause("mail", "tired")
    assert store.counts()[0].is_paused


def test_a_work_that_goes_on_after_an_error_is_not_taken_for_committed(database: Database):
    def careless(tx: Transaction) -> None:
        tx.run("queue_add", name="lost")
        with suppress(psycopg.Error):
            tx.db.execute("SELECT 1 / 0")

    with pytest.raises(StoreUnavailable):
        database.write(careless)
    assert database.read(lambda tx: tx.find_queue("lost")) is None


def test_a_server_that_falls_silent_in_the_middle_of_a_trip_is_given_up_on(
    monkeypatch: pytest.MonkeyPatch, make_job: MakeJob
):
    monkeypatch.setattr(patience, "_GRACE_S", 0.2)
    with PostgresServer() as server:
        store = open_url(f"{server.url}&answer_seconds=0.5")
        store.open()
        assert isinstance(store, PostgresBackend)
        stopped: list[int] = []

        def stop(tx: Transaction) -> None:
            tx.arrived(tx.queue("mail", is_known=True), State.PENDING)
            stopped.append(tx.db.info.backend_pid)
            os.kill(stopped[-1], signal.SIGSTOP)

        try:
            with pytest.raises(StoreUnavailable, match="says nothing"):
                store._open_database().write(stop)
            assert store.enqueue([make_job(queue="bills")])[0].created  # on another connection
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        store.close()
