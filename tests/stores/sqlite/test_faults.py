"""A full disk, a read-only file, a damaged one: a typed error in a sentence, and nothing half done."""

import sqlite3
from pathlib import Path

import pytest

from core.backends.sqlite.backend import SqliteBackend
from core.errors import StoreFull, StoreUnavailable
from core.model.outcome import Outcome
from core.model.states import State

from .conftest import MakeJob, Send


def pragma(store: SqliteBackend, text: str) -> None:
    """Set something on the writer's connection."""
    assert store._database is not None
    store._database._writer.alone(lambda db: db.execute(f"PRAGMA {text}").fetchall())


def test_full_disk_refuses_new_jobs_and_keeps_the_old(store: SqliteBackend, make_job: MakeJob):
    store.enqueue([make_job() for _ in range(10)])
    pragma(store, "max_page_count = 1")  # cannot go below what is used: from here on the file cannot grow
    with pytest.raises(StoreFull, match="make room"):
        store.enqueue([make_job(arguments=bytes(100_000))])
    assert store.counts()[0].states[State.PENDING] == 10
    pragma(store, "max_page_count = 1000000")
    assert store.enqueue([make_job(arguments=bytes(100_000))])[0].created


def test_full_disk_makes_a_settle_wait(store: SqliteBackend, make_job: MakeJob, send: Send):
    store.enqueue([make_job()])
    [claim] = send(want=1).claims
    done = Outcome(claim.raw, claim.token, State.COMPLETED, result=bytes(100_000))
    pragma(store, "max_page_count = 1")
    with pytest.raises(StoreUnavailable, match="make room"):
        send([done])
    assert store.counts()[0].states[State.RUNNING] == 1
    pragma(store, "max_page_count = 1000000")
    assert not send([done]).refused


def test_read_only_file_is_told(store: SqliteBackend, make_job: MakeJob):
    pragma(store, "query_only = 1")
    with pytest.raises(StoreUnavailable, match="read-only"):
        store.enqueue([make_job()])


def test_damaged_file_is_told_and_left_as_it_is(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="not a store of jobs"):
        SqliteBackend(path).open()
    assert path.read_bytes() == before


def test_damaged_pages_are_told(path: Path, make_job: MakeJob):
    first = SqliteBackend(path)
    first.open()
    first.enqueue([make_job(arguments=bytes(500)) for _ in range(500)])
    first.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="damaged"):
        SqliteBackend(path).open()


def test_the_cause_is_kept(store: SqliteBackend, make_job: MakeJob):
    pragma(store, "query_only = 1")
    with pytest.raises(StoreUnavailable) as caught:
        store.enqueue([make_job()])
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_a_value_that_cannot_be_bound_is_its_callers_own_fault(store: SqliteBackend, make_job: MakeJob):
    with pytest.raises(OverflowError):
        store.enqueue([make_job(priority=1 << 70)])
    assert store.enqueue([make_job()])[0].created
