"""Several processes on one file: opened at once, written at once, forked, killed; nothing is lost or seen twice."""

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from core.backends.contract import Exchange
from core.backends.sqlite.backend import SqliteBackend
from core.model.ident import new_raw
from core.model.job import NewJob
from core.model.outcome import Outcome
from core.model.states import State

from .conftest import MakeJob

FORK = multiprocessing.get_context("fork")
SPAWN = multiprocessing.get_context("spawn")
PROCESSES = 8

pytestmark = pytest.mark.serial


def new(queue: str = "mail") -> NewJob:
    return NewJob(queue=queue, raw=new_raw(), task="shop.send", arguments=b"\x80")


def run_all(context, target, *args: object) -> None:
    """Start PROCESSES of them, and see every one end well."""
    processes = [context.Process(target=target, args=args) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES


def open_together(path: Path, barrier: Barrier, ids) -> None:
    store = SqliteBackend(path)
    barrier.wait(30)
    store.open()
    ids.put(store.store_id)
    store.close()


def test_processes_that_open_a_new_file_at_once_agree_on_the_store(path: Path):
    ids = SPAWN.SimpleQueue()
    run_all(SPAWN, open_together, path, SPAWN.Barrier(PROCESSES), ids)
    assert len({ids.get() for _ in range(PROCESSES)}) == 1


def enqueue_many(path: Path, barrier: Barrier) -> None:
    store = SqliteBackend(path)
    store.open()
    barrier.wait(30)
    for _ in range(100):
        assert store.enqueue([new()])[0].created
    store.close()


def test_eight_processes_write_at_once_and_none_is_told_of_a_lock(path: Path):
    run_all(SPAWN, enqueue_many, path, SPAWN.Barrier(PROCESSES))
    store = SqliteBackend(path)
    store.open()
    assert store.counts()[0].states[State.PENDING] == 100 * PROCESSES
    store.close()


def work_off(path: Path, barrier: Barrier, done) -> None:
    store = SqliteBackend(path)
    store.open()
    worker = os.urandom(16).hex()
    barrier.wait(30)
    outcomes: list[Outcome] = []
    for call in range(1, 10_000):
        reply = store.exchange(Exchange(queue="mail", worker=worker, call=call, outcomes=outcomes, want=7))
        assert not reply.refused
        outcomes = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in reply.claims]
        done.put([claim.raw for claim in reply.claims])
        if not reply.claims:
            break
    store.close()


def test_eight_workers_share_the_jobs_and_run_each_once(store: SqliteBackend, path: Path):
    store.enqueue([new() for _ in range(800)])
    done = SPAWN.Queue()
    barrier = SPAWN.Barrier(PROCESSES)
    processes = [SPAWN.Process(target=work_off, args=(path, barrier, done)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    ran: list[bytes] = []
    ended = 0
    while ended < PROCESSES:
        batch = done.get(timeout=60)
        ended += not batch
        ran += batch
    for process in processes:
        process.join(60)
    assert len(ran) == len(set(ran)) == 800
    assert store.counts()[0].states[State.COMPLETED] == 800


def use_inherited(store: SqliteBackend, answers) -> None:
    answers.put(store.enqueue([new()])[0].created)
    answers.put(store.counts()[0].states[State.PENDING])
    store.close()


def test_a_forked_child_opens_its_own_and_leaves_its_parents_be(store: SqliteBackend):
    store.enqueue([new()])
    store.counts()
    answers = FORK.SimpleQueue()
    for count in (2, 3):
        child = FORK.Process(target=use_inherited, args=(store, answers))
        child.start()
        child.join(30)
        assert child.exitcode == 0
        assert [answers.get(), answers.get()] == [True, count]
    assert store.enqueue([new()])[0].created
    assert store.counts()[0].states[State.PENDING] == 4


def test_a_child_forked_while_its_parent_writes_is_not_stuck(store: SqliteBackend):
    answers = FORK.SimpleQueue()
    assert store._database is not None
    with store._database._writer._turn:
        child = FORK.Process(target=use_inherited, args=(store, answers))
        child.start()
        child.join(30)
    assert child.exitcode == 0


def write_until_killed(path: Path, acknowledged) -> None:
    store = SqliteBackend(path)
    store.open()
    while True:
        acknowledged.put([receipt.ref for receipt in store.enqueue([new() for _ in range(5)])])


def test_what_was_acknowledged_is_there_after_a_kill(path: Path):
    for _ in range(5):
        acknowledged = SPAWN.Queue()
        process = SPAWN.Process(target=write_until_killed, args=(path, acknowledged))
        process.start()
        refs = [ref for _ in range(20) for ref in acknowledged.get(timeout=30)]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(30)
        store = SqliteBackend(path)
        store.open()
        assert None not in store.get(refs)
        assert store.counts()[0].states[State.PENDING] % 5 == 0  # all or none of a batch
        store.close()


@pytest.mark.slow
def test_a_writer_that_holds_the_lock_for_ten_seconds_delays_everyone_and_fails_nobody(path: Path):
    store = SqliteBackend(path)
    store.open()
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    threading.Timer(10.0, lambda: holder.execute("COMMIT")).start()
    run_all(SPAWN, enqueue_many, path, SPAWN.Barrier(PROCESSES))
    assert store.counts()[0].states[State.PENDING] == 100 * PROCESSES
    holder.close()
    store.close()


def test_a_write_of_another_process_wakes_a_sleeper(store: SqliteBackend, path: Path, make_job: MakeJob):
    other = SqliteBackend(path)
    other.open()
    threading.Timer(0.2, lambda: other.enqueue([make_job()])).start()
    before = time.monotonic()
    store.wait(["mail"], 30)
    assert time.monotonic() - before < 5
    other.close()


def test_a_sleeper_is_not_woken_by_what_is_not_work(store: SqliteBackend, make_job: MakeJob):
    threading.Timer(0.05, lambda: store.enqueue([make_job(queue="other")])).start()
    before = time.monotonic()
    store.wait(["mail"], 0.3)
    assert time.monotonic() - before >= 0.3


def test_a_sleeper_wakes_when_a_job_is_due(store: SqliteBackend, make_job: MakeJob):
    store.enqueue([make_job(delay_ms=100)])
    before = time.monotonic()
    store.wait(["mail"], 30)
    assert 0.05 < time.monotonic() - before < 5


def test_closing_wakes_the_sleepers(store: SqliteBackend):
    threading.Timer(0.1, store.close).start()
    before = time.monotonic()
    store.wait(["mail"], 30)
    assert time.monotonic() - before < 5
