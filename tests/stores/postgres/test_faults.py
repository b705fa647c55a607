"""What the server's failures become, and how soon work goes on after them."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from core.backends.contract import Backend
from core.backends.postgres.backend import PostgresBackend, open_url
from core.backends.postgres.faults import told
from core.backends.postgres.transaction import Transaction
from core.errors import ConfigError, StoreFull, StoreUnavailable
from core.model.states import State
from tests.postgres_server import PostgresServer

PROMISE_S = 5.0  # to resume after a restart


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer(fsync="on", synchronous_commit="on") as running:
        yield running


@pytest.mark.parametrize("error", [errors.DiskFull("no space left"), errors.OutOfMemory("out of memory")])
def test_no_room_is_told_as_full(error: psycopg.Error):
    assert isinstance(told(error, "postgres://db/jobs"), StoreFull)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.AdminShutdown("terminating connection"), "cannot be reached"),
        (errors.TooManyConnections("sorry, too many clients"), "max_connections"),
        (errors.InvalidPassword("password authentication failed"), "login"),
        (errors.ReadOnlySqlTransaction("read-only transaction"), "primary"),
        (errors.UndefinedTable("no such table"), "tables of the store"),
        (errors.InsufficientPrivilege("permission denied"), "owner"),
        (errors.SyntaxError("at or near"), "report this"),
        (psycopg.InterfaceError("the connection is closed"), "cannot be reached"),
    ],
)
def test_every_other_fault_is_told_as_unavailable_with_what_to_do(error: psycopg.Error, words: str):
    answer = told(error, "postgres://db/jobs")
    assert isinstance(answer, StoreUnavailable)
    assert words in str(answer)


def test_a_full_disk_refuses_new_jobs_and_lets_the_others_try_later(store: Backend, monkeypatch, make_job):
    def fail(*_: object, **__: object) -> None:
        raise errors.DiskFull("could not extend file")

    monkeypatch.setattr(Transaction, "run", fail)
    with pytest.raises(StoreFull):
        store.enqueue([make_job()])
    with pytest.raises(StoreUnavailable):
        store.resume("mail")


def test_connections_that_were_ended_at_rest_are_passed_over(store: Backend, ask, make_job):
    workers = [threading.Thread(target=store.counts) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'jobs'")
    assert store.enqueue([make_job()])[0].created
    assert store.counts()[0].states[State.PENDING] == 1
    store.ping()


def test_a_connection_ended_in_the_middle_leaves_nothing_half_done(store: Backend, make_job):
    assert isinstance(store, PostgresBackend)
    job = make_job()

    def cut_off(tx: Transaction) -> None:
        tx.run("queue_add", name="half")
        tx.db.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StoreUnavailable):
        store._open_database().write(cut_off)
    assert store.enqueue([job])[0].created
    assert store._open_database().read(lambda tx: tx.find_queue("half")) is None


def test_transactions_that_wait_for_each_other_are_both_done_in_the_end(store: Backend, make_job):
    assert isinstance(store, PostgresBackend)
    jobs = [make_job(), make_job()]
    store.enqueue(jobs)
    both_hold_one = threading.Barrier(2)
    raws = [job.raw for job in jobs]
    turns: list[bytes] = []
    ends: list[bytes] = []

    def hold_then_take(tx: Transaction, first: bytes, second: bytes) -> None:
        """The first time round each thread waits until the other holds its job."""
        turns.append(first)
        tx.run("act_ask", queue=tx.queue("mail"), raw=[first], operation="op", kept=4)
        if turns.count(first) == 1:
            both_hold_one.wait(10)
        tx.run("act_ask", queue=tx.queue("mail"), raw=[second], operation="op", kept=4)

    def run(order: list[bytes]) -> None:
        store._open_database().write(lambda tx: hold_then_take(tx, *order))
        ends.append(order[0])

    threads = [threading.Thread(target=run, args=(order,)) for order in (raws, raws[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ends) == sorted(raws)
    assert len(turns) == 3  # one of them was ended for the other's sake, and went again


def test_work_goes_on_after_a_restart_and_nothing_is_lost(server: PostgresServer, make_job):
    store = open_url(server.url)
    store.open()
    jobs = [make_job() for _ in range(20)]
    store.enqueue(jobs)
    server.kill()
    with pytest.raises(StoreUnavailable):
        store.counts()
    server.start()
    began = time.monotonic()
    assert all(store.get([job.ref for job in jobs]))
    assert time.monotonic() - began < PROMISE_S * 5
    assert not any(receipt.created for receipt in store.enqueue(jobs))
    store.close()


def test_who_waits_hears_of_work_after_a_restart(server: PostgresServer, make_job):
    store = open_url(server.url)
    store.open()
    store.wait(["mail"], 0.05)
    server.stop()
    server.start()
    store.enqueue([make_job()])
    began = time.monotonic()
    store.wait(["mail"], 20.0)
    assert time.monotonic() - began < PROMISE_S
    store.close()


def test_a_refused_server_is_told_at_once(server: PostgresServer):
    store = open_url(server.url)
    store.open()
    server.kill()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="is it running"):
        store.counts()
    assert time.monotonic() - began < 2.0 * 5


def test_a_server_that_is_stopped_fails_a_ping_within_its_promise(server: PostgresServer):
    store = open_url(server.url)
    store.open()
    assert isinstance(store, PostgresBackend)
    assert server.process is not None
    pids = [*store._open_database().alone(lambda db: [db.info.backend_pid]), server.process.pid]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="did not answer"):
            store.ping()
        assert time.monotonic() - began < 2.0 * 5
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    store.ping()
    store.close()


def test_a_ping_passes_over_connections_that_died_at_rest(store: Backend, ask):
    ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'jobs'")
    store.ping()


def test_more_threads_than_connections_take_turns(url: str, make_job):
    store = open_url(url, pool_size=2)
    store.open()
    threads = [threading.Thread(target=store.enqueue, args=([make_job()],)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()[0].states[State.PENDING] == 12
    store.close()


def test_the_password_is_shown_nowhere():
    store = open_url("postgresql://jobs:s3cret@127.0.0.1:1/jobs?sslmode=disable&password=s3cret")
    assert store.url == "postgres://jobs@127.0.0.1:1/jobs?sslmode=disable"
    with pytest.raises(StoreUnavailable) as failure:
        store.open()
    assert "s3cret" not in str(failure.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://db/jobs?schema=Robert');DROP",
        "postgres://db/jobs?schema=pg_jobs",
        "postgres://db/jobs?pool_size=0",
        "postgres://db/jobs?pool_size=many",
        "postgres://jobs:s3cret@db/jobs?no_such_option=1",
    ],
)
def test_a_url_with_a_mistake_is_refused_before_anything_is_tried(url: str):
    with pytest.raises(ConfigError) as failure:
        open_url(url)
    assert "s3cret" not in str(failure.value)
