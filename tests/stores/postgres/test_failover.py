"""A server that dies whole, and a standby that takes its place: what is lost, and how soon work goes on."""

import random
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from core.backends.contract import Backend
from core.backends.postgres.backend import PostgresBackend, open_url
from core.errors import StoreUnavailable
from tests.conformance.invariants import assert_consistent
from tests.postgres_server import PostgresServer
from tests.power.workload import Promise, losses, work_on

from .conftest import MakeJob
from .pair import SAFE, Pair, crash, wait_until

RESUMES_S = 5.0
ALLOWANCE = 5

pytestmark = pytest.mark.serial


def opened(url: str) -> Backend:
    store = open_url(url)
    store.open()
    return store


def works(store: Backend) -> bool:
    try:
        store.resume("mail")
        return True
    except StoreUnavailable:
        return False


@pytest.fixture
def asynchronous() -> Iterator[Pair]:
    with Pair(synchronous=False) as pair:
        yield pair


@pytest.fixture
def synchronous() -> Iterator[Pair]:
    with Pair(synchronous=True) as pair:
        yield pair


def test_a_server_whose_processes_are_all_killed_loses_nothing():
    promises: list[Promise] = []
    with PostgresServer(**SAFE) as server:
        store = opened(server.url)
        work_on(store, promises.append, random.Random(3), rounds=100)
        crash(server)
        assert not works(store)
        server.start()
        wait_until(lambda: works(store), "work going on")
        assert not losses(store, promises, time.monotonic_ns())
        assert_consistent(store)
        store.close()


def test_with_synchronous_commit_off_a_kill_loses_the_newest_and_leaves_no_gap():
    """What is not yet written lies in the memory that the server's processes share. Here the writer comes every ten
    seconds, so that there is something; by itself it comes five times a second."""
    promises: list[Promise] = []
    lazy = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
    with PostgresServer(**{**SAFE, **lazy}) as server:
        store = opened(server.url)
        work_on(store, promises.append, random.Random(3), rounds=10)
        write_all(server)
        written = len(promises)
        work_on(store, promises.append, random.Random(4), rounds=10, worker="second")
        crash(server)
        server.start()
        wait_until(lambda: works(store), "work going on")
        assert not losses(store, promises[:written], time.monotonic_ns())
        lost = losses(store, promises, time.monotonic_ns())
        print(f"synchronous_commit=off, all processes killed: {lost}")
        assert lost
        assert_consistent(store)
        store.close()


def write_all(server: PostgresServer) -> None:
    """The tables themselves are among what a crash may lose."""
    with psycopg.connect(server.url, autocommit=True) as db:
        db.execute("CHECKPOINT")


def test_a_synchronous_standby_takes_over_and_nothing_is_lost(synchronous: Pair):
    store, promises, ended = opened(synchronous.url), list[Promise](), threading.Event()

    def work() -> None:
        with pytest.raises(StoreUnavailable):
            work_on(store, promises.append, random.Random(5), rounds=100_000)
        ended.set()

    worker = threading.Thread(target=work)
    worker.start()
    wait_until(lambda: len(promises) > 50, "work")
    synchronous.hold_back()
    before = len(promises)
    crash(synchronous.primary)
    worker.join(30)
    assert ended.is_set()
    assert len(promises) - before <= 2, "commits were answered that the standby did not have"
    synchronous.promote()
    took_s = wait_until(lambda: works(store), "work going on")
    print(f"work went on {took_s:.2f} s after the standby was promoted")
    assert took_s < RESUMES_S * ALLOWANCE
    assert not losses(store, promises, time.monotonic_ns())
    assert_consistent(store)
    store.close()


def test_an_asynchronous_standby_lacks_what_it_had_not_received(asynchronous: Pair):
    store, promises = opened(asynchronous.url), list[Promise]()
    work_on(store, promises.append, random.Random(5), rounds=40)
    received = len(promises)
    wait_until(asynchronous.is_caught_up, "the standby having all")
    asynchronous.hold_back()
    work_on(store, promises.append, random.Random(6), rounds=20, worker="second")
    crash(asynchronous.primary)
    asynchronous.promote()
    took_s = wait_until(lambda: works(store), "work going on")
    assert not losses(store, promises[:received], time.monotonic_ns())
    lost = losses(store, promises, time.monotonic_ns())
    print(f"asynchronous standby: {lost}; work went on {took_s:.2f} s after the standby was promoted")
    assert lost.jobs + lost.completions == sum(len(promise.raws) for promise in promises[received:])
    assert_consistent(store)
    store.close()


def test_a_server_that_vanished_is_given_up_on_in_seconds_at_rest_and_in_a_call(asynchronous: Pair):
    """That it works takes a network that swallows packets; here: that every connection asks the kernel for it."""
    store = opened(asynchronous.url)
    assert isinstance(store, PostgresBackend)
    asked = store._open_database().alone(lambda db: db.info.get_parameters())
    assert asked["tcp_user_timeout"] == "15000"
    assert int(asked["keepalives_idle"]) + int(asked["keepalives_interval"]) * int(asked["keepalives_count"]) <= 30
    store.close()


def test_until_a_standby_is_promoted_the_store_is_unavailable_and_not_read_only(asynchronous: Pair, make_job: MakeJob):
    store = opened(asynchronous.url)
    jobs = [make_job()]
    wait_until(asynchronous.is_caught_up, "the standby having the tables")
    crash(asynchronous.primary)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        store.enqueue(jobs)
    assert time.monotonic() - began < RESUMES_S
    asynchronous.promote()
    wait_until(lambda: works(store), "work going on")
    assert [receipt.created for receipt in store.enqueue(jobs)] == [True]
    store.close()


def test_who_waits_hears_of_new_work_from_the_promoted_standby(asynchronous: Pair, make_job: MakeJob):
    store, other = opened(asynchronous.url), opened(asynchronous.url)
    store.wait(["mail"], 0.05)
    wait_until(asynchronous.is_caught_up, "the standby having the tables")
    crash(asynchronous.primary)
    asynchronous.promote()
    wait_until(lambda: works(other), "work going on")
    threading.Timer(0.2, lambda: other.enqueue([make_job()])).start()
    assert wait_until(lambda: is_woken(store), "the new work") < RESUMES_S
    store.close()
    other.close()


def is_woken(store: Backend) -> bool:
    try:
        store.wait(["mail"], 5.0)
    except StoreUnavailable:
        return False
    return store.counts() != []
