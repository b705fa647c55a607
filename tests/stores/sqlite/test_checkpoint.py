"""The write-ahead log: moved and cut once it has grown, whoever else reads or writes, and never at a verb's cost."""

import fcntl
import os
from pathlib import Path

import pytest

from core.backends.sqlite.backend import SqliteBackend
from core.backends.sqlite.checkpoint import Checkpointer
from core.backends.sqlite.connection import connect_reader
from core.backends.sqlite.location import size

from .conftest import MakeJob

SMALL = 256 * 1024


@pytest.fixture
def checkpointer(store: SqliteBackend, path: Path) -> Checkpointer:
    """The store's, with a smaller bound and no pause between attempts."""
    assert store._database is not None
    store._database._checkpointer = Checkpointer(path, store._database._courtesy, wal_bytes=SMALL, retry_s=0.0)
    return store._database._checkpointer


def log_size(path: Path) -> int:
    return size(path.with_name(path.name + "-wal"))


def fill(store: SqliteBackend, make_job: MakeJob, times: int = 60) -> None:
    """About 20 KB of log each time."""
    for _ in range(times):
        store.enqueue([make_job(arguments=bytes(10_000))])


@pytest.mark.usefixtures("checkpointer")
def test_the_log_is_cut_when_it_has_grown(store: SqliteBackend, path: Path, make_job: MakeJob):
    fill(store, make_job)
    assert log_size(path) < SMALL + 100_000
    assert path.stat().st_size > 500_000


@pytest.mark.usefixtures("checkpointer")
def test_a_long_reader_delays_the_cut_and_nothing_else(
    store: SqliteBackend, path: Path, make_job: MakeJob, monkeypatch
):
    monkeypatch.setattr("core.backends.sqlite.checkpoint._PATIENCE_S", 0.001)
    reader = connect_reader(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM queue").fetchall()
    fill(store, make_job)
    assert log_size(path) > SMALL
    reader.execute("ROLLBACK")
    reader.close()
    fill(store, make_job, times=1)
    assert log_size(path) < SMALL


def test_one_process_at_a_time_moves_the_log(
    store: SqliteBackend, path: Path, make_job: MakeJob, checkpointer: Checkpointer
):
    lock = os.open(path.with_name(path.name + "-checkpoint"), os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    fill(store, make_job)
    assert log_size(path) > SMALL
    os.close(lock)
    fill(store, make_job, times=1)
    assert log_size(path) < SMALL
    assert not checkpointer.is_needed()


@pytest.mark.usefixtures("checkpointer")
def test_a_checkpoint_that_fails_does_not_fail_the_verb(store: SqliteBackend, path: Path, make_job: MakeJob):
    path.with_name(path.name + "-checkpoint").mkdir()  # the lock cannot be opened
    fill(store, make_job)
    assert log_size(path) > SMALL


def test_the_last_one_out_leaves_no_log_behind(path: Path, make_job: MakeJob):
    store = SqliteBackend(path)
    store.open()
    store.enqueue([make_job()])
    store.counts()
    store.close()
    assert {file.name for file in path.parent.iterdir()} == {path.name, path.name + "-waiting"}
