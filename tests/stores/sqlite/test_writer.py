"""One writer a process: what is durable, what shares a transaction, and who suffers when a part of it fails."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.backends.sqlite.backend import SqliteBackend
from core.errors import StoreUnavailable
from core.model.states import State

from .conftest import MakeJob


def writer_of(store: SqliteBackend):
    assert store._database is not None
    return store._database._writer


def setting(store: SqliteBackend, name: str) -> object:
    return writer_of(store).alone(lambda db: db.execute(f"PRAGMA {name}").fetchone()[0])


@pytest.mark.parametrize(("name", "number"), [("FULL", 2), ("NORMAL", 1), ("extra", 3), ("OFF", 0)])
def test_synchronous_is_as_asked_and_the_log_is_written_ahead(path: Path, name: str, number: int):
    store = SqliteBackend(path, synchronous=name)
    store.open()
    assert (setting(store, "synchronous"), setting(store, "journal_mode")) == (number, "wal")
    store.close()


def test_synchronous_is_full_by_default(store: SqliteBackend):
    assert setting(store, "synchronous") == 2


def trace(store: SqliteBackend, seen: list[str]) -> None:
    writer_of(store).alone(lambda db: db.set_trace_callback(seen.append))


def wait_for_waiters(store: SqliteBackend, count: int) -> None:
    writer = writer_of(store)
    while len(writer._waiting) < count:
        threading.Event().wait(0.001)


def test_threads_that_enqueue_at_once_share_a_transaction(store: SqliteBackend, make_job: MakeJob):
    seen: list[str] = []
    trace(store, seen)
    with ThreadPoolExecutor(8) as threads:
        with writer_of(store)._turn:  # somebody else is writing: those who come now wait together
            answers = [threads.submit(store.enqueue, [make_job()]) for _ in range(8)]
            wait_for_waiters(store, 8)
        assert all(answer.result()[0].created for answer in answers)
    assert [seen.count("BEGIN IMMEDIATE"), seen.count("COMMIT")] == [1, 1]
    assert store.counts()[0].states[State.PENDING] == 8


def test_one_that_fails_does_not_harm_those_who_share_its_transaction(store: SqliteBackend, make_job: MakeJob):
    with ThreadPoolExecutor(4) as threads:
        with writer_of(store)._turn:
            good = [threads.submit(store.enqueue, [make_job()]) for _ in range(3)]
            bad = threads.submit(store.enqueue, [make_job(), make_job(priority=1 << 70)])
            wait_for_waiters(store, 4)
        assert all(answer.result()[0].created for answer in good)
        with pytest.raises(OverflowError):
            bad.result()
    assert store.counts()[0].states[State.PENDING] == 3


def test_an_interrupt_leaves_no_transaction_open_and_no_waiter_behind(store: SqliteBackend, make_job: MakeJob):
    def interrupted(tx: object) -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as threads:
        with writer_of(store)._turn:
            broken = threads.submit(writer_of(store).run, interrupted)
            wait_for_waiters(store, 1)
            good = threads.submit(store.enqueue, [make_job()])
            wait_for_waiters(store, 2)
        outcomes = [type(broken.exception(10)), good.exception(10) and type(good.exception(10))]
    assert KeyboardInterrupt in outcomes
    assert not writer_of(store).alone(lambda db: db.in_transaction)


def test_many_threads_read_and_write_at_once(store: SqliteBackend, make_job: MakeJob):
    def both(_: int) -> int:
        store.enqueue([make_job()])
        return sum(store.counts()[0].states.values())

    with ThreadPoolExecutor(16) as threads:
        sums = list(threads.map(both, range(400)))
    assert max(sums) == 400
    assert store.counts()[0].states[State.PENDING] == 400


def test_a_lock_held_by_another_program_is_waited_for(store: SqliteBackend, path: Path, make_job: MakeJob):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(1.0, lambda: other.execute("COMMIT")).start()
    assert store.enqueue([make_job()])[0].created
    other.close()


def test_a_lock_held_for_ever_ends_in_a_sentence_for_everyone_at_once(
    store: SqliteBackend, path: Path, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.backends.sqlite.connection.PATIENCE_S", 0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    seen: list[str] = []
    with ThreadPoolExecutor(8) as threads:
        with writer_of(store)._turn:
            answers = [threads.submit(store.enqueue, [make_job()]) for _ in range(8)]
            wait_for_waiters(store, 8)
            store._database._db.set_trace_callback(seen.append)
        for answer in answers:
            with pytest.raises(StoreUnavailable, match="another process has held"):
                answer.result()
    other.execute("ROLLBACK")
    other.close()
    assert store.enqueue([make_job()])[0].created


def test_reading_goes_on_while_another_program_writes(store: SqliteBackend, path: Path, make_job: MakeJob):
    store.enqueue([make_job()])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert store.counts()[0].states[State.PENDING] == 1
    other.close()
