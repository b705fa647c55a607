"""Jobs in a caller's own transaction: they come and go with it, and nobody else waits for it meanwhile."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import ClientCursor, IsolationLevel, ServerCursor
from psycopg.rows import dict_row
from psycopg.types.string import StrDumper

from core.backends.contract import Backend
from core.backends.postgres import joined
from core.backends.postgres.backend import PostgresBackend, open_url
from core.errors import StoreUnavailable
from core.model.job import NewJob, Unique
from core.model.outcome import Outcome
from core.model.retention import Retention
from core.model.states import State
from tests.postgres_server import PostgresServer

MakeJob = Callable[..., NewJob]
Ask = Callable[..., list[Any]]


@pytest.fixture
def store(store: Backend) -> PostgresBackend:
    assert isinstance(store, PostgresBackend)
    return store


@pytest.fixture
def caller(postgres_server: str) -> Iterator[psycopg.Connection]:
    """A connection as an application holds one, in a transaction that has written a row."""
    with psycopg.connect(postgres_server) as db:
        db.execute("CREATE TABLE IF NOT EXISTS orders (id int)")
        db.execute("TRUNCATE orders")
        db.commit()
        db.execute("INSERT INTO orders VALUES (1)")
        yield db
        db.rollback()


def orders(ask: Ask) -> int:
    return ask("SELECT count(*) FROM orders")[0][0]


def waiting(store: Backend) -> int:
    return sum(counts.states[State.PENDING] for counts in store.counts())


def test_both_are_there_after_the_commit_and_neither_before(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob, ask: Ask
) -> None:
    job = make_job()
    assert store.refusal(caller) == ""

    assert store.enqueue_within(caller, [job])[0].created
    assert (store.get([job.ref]), waiting(store), orders(ask)) == ([None], 0, 0)

    caller.commit()
    assert (store.get([job.ref])[0] is not None, waiting(store), orders(ask)) == (True, 1, 1)


def test_neither_is_there_after_a_rollback(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob, ask: Ask
) -> None:
    store.enqueue_within(caller, [make_job()])
    caller.rollback()

    assert (store.counts(), orders(ask)) == ([], 0)


def test_a_first_statement_of_the_callers_is_not_committed_by_ours(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob
) -> None:
    caller.rollback()
    store.enqueue_within(caller, [make_job()])
    assert caller.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    caller.rollback()

    assert waiting(store) == 0


def test_a_savepoint_of_the_callers_takes_its_job_with_it(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob
) -> None:
    kept, lost = make_job(), make_job()
    store.enqueue_within(caller, [kept])
    with caller.transaction(force_rollback=True):
        store.enqueue_within(caller, [lost])
    caller.commit()

    assert [job is not None for job in store.get([kept.ref, lost.ref])] == [True, False]
    assert waiting(store) == 1


def test_a_failing_enqueue_leaves_the_callers_transaction_good(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob, ask: Ask, schema: str
) -> None:
    assert store.refusal(caller) == ""
    store.enqueue_within(caller, [make_job()])
    caller.execute(f"ALTER TABLE {schema}.counter ADD CONSTRAINT low CHECK (pending < 2)")

    with pytest.raises(StoreUnavailable):
        store.enqueue_within(caller, [make_job()])
    caller.commit()

    assert (waiting(store), orders(ask)) == (1, 1)


class Shouting(StrDumper):
    """What an application may register on its connection."""

    def dump(self, obj: str) -> bytes:
        return obj.upper().encode()


def as_django(db: psycopg.Connection) -> None:
    db.cursor_factory = ClientCursor


def with_own_rows(db: psycopg.Connection) -> None:
    db.row_factory = dict_row  # type: ignore[assignment]


def with_server_cursors(db: psycopg.Connection) -> None:
    db.server_cursor_factory = ServerCursor
    db.cursor_factory = ClientCursor


def with_own_adapters(db: psycopg.Connection) -> None:
    db.adapters.register_dumper(str, Shouting)


def preparing_all(db: psycopg.Connection) -> None:
    db.prepare_threshold = 0


def with_another_path(db: psycopg.Connection) -> None:
    db.execute("SET search_path TO pg_temp, pg_catalog")
    db.commit()


def in_another_zone(db: psycopg.Connection) -> None:
    db.execute("SET TimeZone TO 'Asia/Tokyo'")
    db.execute("SET client_encoding TO 'LATIN1'")
    db.commit()


def repeatable(db: psycopg.Connection) -> None:
    db.isolation_level = IsolationLevel.REPEATABLE_READ


def serializable(db: psycopg.Connection) -> None:
    db.isolation_level = IsolationLevel.SERIALIZABLE


@pytest.mark.parametrize(
    "change",
    [
        as_django, with_own_rows, with_server_cursors, with_own_adapters, preparing_all, with_another_path,
        in_another_zone, repeatable, serializable,
    ],
)  # fmt: skip
def test_how_the_callers_connection_is_set_does_not_matter(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob, schema: str, change: Callable[[Any], None]
) -> None:
    caller.rollback()
    change(caller)
    caller.execute("SELECT 1")  # a snapshot, where there is one for the whole transaction
    assert store.refusal(caller) == ""
    jobs = [make_job(unique_key="é", options=b"\x00\xff"), make_job(delay_ms=60_000)]

    assert [receipt.created for receipt in store.enqueue_within(caller, jobs)] == [True, True]
    assert not store.enqueue_within(caller, [make_job(unique_key="é")])[0].created
    prepared = str(caller.execute("SELECT statement FROM pg_prepared_statements").fetchall())
    caller.commit()

    first, second = store.get([job.ref for job in jobs])
    assert first is not None
    assert second is not None
    assert (first.unique_key, first.options, second.state) == ("é", b"\x00\xff", State.SCHEDULED)
    assert schema not in prepared


def test_nobody_waits_for_a_transaction_that_stays_open(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob, send: Callable[..., Any]
) -> None:
    """The queue is new, every slot of its counters is used, and all of it ends while the caller's is open."""
    held = make_job()
    store.enqueue_within(caller, [held])

    def use() -> None:
        store.enqueue([make_job()])

    threads = [threading.Thread(target=use) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert [claim.raw == held.raw for claim in send(want=50).claims] == [False] * 40
    assert store.trim("mail", Retention(), 100) == 0
    store.pause("mail", "for a while")
    store.resume("mail")

    caller.commit()
    assert [claim.raw for claim in send(want=50).claims] == [held.raw]


def test_a_queue_is_listed_once_a_job_in_it_is_committed(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob
) -> None:
    store.enqueue_within(caller, [make_job(queue="fresh")])
    assert store.counts() == []
    caller.commit()

    assert [counts.queue for counts in store.counts()] == ["fresh"]


def test_counts_are_the_same_before_and_after_slots_are_folded(
    store: PostgresBackend, make_job: MakeJob, postgres_server: str, ask: Ask, schema: str
) -> None:
    own = f"SELECT count(*) FROM {schema}.counter WHERE slot < 0"
    for _ in range(3):
        with psycopg.connect(postgres_server) as db:
            store.enqueue_within(db, [make_job(), make_job(delay_ms=60_000)])
    with psycopg.connect(postgres_server) as still_open:
        store.enqueue_within(still_open, [make_job()])
        before = store.counts()
        store.trim("mail", Retention(), 100)
        assert (store.counts(), ask(own)) == (before, [(0,)])

    [after] = store.counts()
    assert (after.states[State.PENDING], after.states[State.SCHEDULED], ask(own)) == (4, 3, [(1,)])


def test_a_job_whose_key_is_over_is_settled_while_the_next_ones_transaction_is_open(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob, send: Callable[..., Any]
) -> None:
    def timed() -> NewJob:
        return make_job(unique_key="often", unique=Unique.FOR_A_TIME, unique_ms=1)

    store.enqueue([timed()])
    [claim] = send(want=1).claims
    until = store.now_ms() + 5
    while store.now_ms() <= until:
        pass
    assert store.enqueue_within(caller, [timed()])[0].created

    settled: list[Any] = []
    settler = threading.Thread(
        target=lambda: settled.append(send([Outcome(claim.raw, claim.token, State.COMPLETED)]).refused)
    )
    settler.start()
    settler.join(5)
    assert settled == [[]]
    caller.commit()
    assert waiting(store) == 1


def test_a_key_for_a_time_can_be_over_within_one_transaction(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob
) -> None:
    def timed() -> NewJob:
        return make_job(unique_key="often", unique=Unique.FOR_A_TIME, unique_ms=1)

    def pass_time() -> None:
        until = store.now_ms() + 5
        while store.now_ms() <= until:
            pass

    store.enqueue([timed()])
    for _ in range(2):
        pass_time()
        assert store.enqueue_within(caller, [timed()])[0].created
    caller.commit()

    assert waiting(store) == 3


def test_a_queue_of_a_store_that_was_made_anew_is_found_again(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob, ask: Ask, schema: str
) -> None:
    """As after a restore: a number that was remembered would be another queue's."""
    store.enqueue_within(caller, [make_job(queue="first"), make_job(queue="second")])
    caller.commit()
    ask(f"DELETE FROM {schema}.job")
    ask(f"DELETE FROM {schema}.queue")
    store.enqueue([make_job(queue="other")])
    job = make_job(queue="first")
    store.enqueue_within(caller, [job])
    caller.commit()

    assert store.get([job.ref])[0] is not None


def test_a_key_held_by_an_open_transaction_is_waited_for(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob
) -> None:
    first, second = make_job(unique_key="once"), make_job(unique_key="once")
    store.enqueue_within(caller, [first])
    receipts: list[Any] = []
    waiter = threading.Thread(target=lambda: receipts.extend(store.enqueue([second])))
    waiter.start()
    waiter.join(0.3)
    assert waiter.is_alive()
    caller.commit()
    waiter.join(10)

    assert [(receipt.ref, receipt.created) for receipt in receipts] == [(first.ref, False)]


@pytest.mark.slow
def test_a_key_that_is_held_for_long_is_told_of(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob
) -> None:
    store.enqueue_within(caller, [make_job(unique_key="once")])

    with pytest.raises(StoreUnavailable, match="holds the same unique key"):
        store.enqueue([make_job(unique_key="once")])


def test_ringing_after_the_commit_wakes_a_sleeper(
    store: PostgresBackend, caller: psycopg.Connection, make_job: MakeJob
) -> None:
    job = make_job()
    store.enqueue_within(caller, [job])
    sleeper = threading.Thread(target=store.wait, args=(["mail"], 30.0))
    sleeper.start()
    caller.commit()
    store.ring(["mail"])
    sleeper.join(10)

    assert not sleeper.is_alive()


# Who is refused, and why.


def test_another_driver_is_refused(store: PostgresBackend) -> None:
    assert store.refusal(object()) == "its driver is builtins, and not psycopg 3"


def test_another_database_of_the_same_server_is_refused(store: PostgresBackend, postgres_server: str, ask: Ask) -> None:
    ask("CREATE DATABASE beside")
    with psycopg.connect(postgres_server, dbname="beside") as db:
        assert "another server or database" in store.refusal(db)
    ask("DROP DATABASE beside WITH (FORCE)")


def test_another_server_is_refused_even_with_the_same_databases(store: PostgresBackend) -> None:
    with PostgresServer() as other, psycopg.connect(other.url) as db:
        assert "another server or database" in store.refusal(db)


def test_a_user_without_rights_is_refused_and_one_with_them_joins(
    store: PostgresBackend, postgres_server: str, make_job: MakeJob, ask: Ask, schema: str
) -> None:
    role = f"clerk_{schema}"
    ask(f"CREATE ROLE {role} LOGIN")
    with psycopg.connect(postgres_server, user=role) as db:
        assert "may not write" in store.refusal(db)
    ask(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    ask(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.job TO {role}")
    ask(f"GRANT SELECT ON {schema}.finished, {schema}.queue TO {role}")
    ask(f"GRANT SELECT, INSERT, UPDATE ON {schema}.counter, {schema}.timed_key TO {role}")
    with psycopg.connect(postgres_server, user=role) as db:
        assert store.refusal(db) == ""
        store.enqueue_within(db, [make_job(unique_key="k")])
        store.enqueue_within(db, [make_job(unique_key="k")])
        store.enqueue_within(db, [make_job(unique_key="t", unique=Unique.FOR_A_TIME, unique_ms=60_000)])

    assert waiting(store) == 2


def test_a_restarted_server_is_known_again(make_job: MakeJob) -> None:
    with PostgresServer() as server:
        store = open_url(server.url)
        store.open()
        assert isinstance(store, PostgresBackend)
        with psycopg.connect(server.url) as db:
            assert store.refusal(db) == ""
        server.stop()
        server.start()
        with psycopg.connect(server.url) as db:
            assert store.refusal(db) == ""
            assert store.enqueue_within(db, [make_job()])[0].created
        store.close()


def test_asking_costs_one_question_a_connection(
    store: PostgresBackend, caller: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.refusal(caller) == ""
    monkeypatch.setattr(joined, "look", None)  # nobody can ask once more

    assert store.refusal(caller) == ""
