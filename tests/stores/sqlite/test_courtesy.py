"""Between processes: who waits is let in, and who is stopped while waiting holds nobody up."""

import fcntl
import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from core.backends.sqlite.backend import SqliteBackend
from core.backends.sqlite.courtesy import Courtesy

from .conftest import MakeJob


@pytest.fixture
def courtesy(store: SqliteBackend, path: Path):
    made = Courtesy(path)
    yield made
    made.close()


def test_who_just_wrote_steps_back_for_one_who_waits(
    store: SqliteBackend, path: Path, courtesy: Courtesy, monkeypatch: pytest.MonkeyPatch
):
    naps: list[float] = []
    monkeypatch.setattr("core.backends.sqlite.courtesy.time.sleep", naps.append)
    db = sqlite3.connect(path, isolation_level=None, timeout=0)

    def write() -> None:
        courtesy.begin(db)
        db.execute("COMMIT")
        courtesy.wrote()

    write()
    write()
    assert naps == []
    other = os.open(path.with_name(path.name + "-waiting"), os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_SH)
    write()
    assert len(naps) == 1
    os.close(other)
    write()
    assert len(naps) == 1
    db.close()


def test_who_waits_is_seen(store: SqliteBackend, path: Path, courtesy: Courtesy):
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    waiting = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    thread = threading.Thread(target=courtesy.begin, args=(waiting,))
    thread.start()
    looker = Courtesy(path)
    until = time.monotonic() + 10
    while not looker._is_someone_waiting() and time.monotonic() < until:
        time.sleep(0.001)
    assert looker._is_someone_waiting()
    holder.execute("COMMIT")
    thread.join(10)
    assert waiting.in_transaction
    assert not looker._is_someone_waiting()
    for connection in (holder, waiting):
        connection.close()
    looker.close()


def test_one_who_is_stopped_while_waiting_holds_nobody_up(store: SqliteBackend, path: Path, make_job: MakeJob):
    stopped = os.open(path.with_name(path.name + "-waiting"), os.O_RDWR)
    fcntl.flock(stopped, fcntl.LOCK_SH)
    before = time.monotonic()
    for _ in range(50):
        store.enqueue([make_job()])
    assert time.monotonic() - before < 10
    os.close(stopped)
