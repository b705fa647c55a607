"""The statements that run often find their rows by an index, however large the tables are."""

import re

import pytest

from core.backends.sqlite.backend import SqliteBackend
from core.backends.sqlite.statements import SQL

# What SQLite may sort or walk in full: lists of a few rows, and the tables that hold a row a queue or a process.
SMALL = {"queue_ids", "counts", "worker_list", "worker_stale", "schedule_list", "reply_trim", "reply_forget"}
SORTS_A_FEW = {"claimed", "asked", "schedule_list", "worker_list", "get"}
WALKED = {"drop_waiting": "job_place", "claimed": "job_place"}


def plan(store: SqliteBackend, name: str) -> str:
    assert store._database is not None
    text = SQL[name].replace("/* list */", "?, ?, ?")
    values = [None] * len(re.findall(r"\?", text))
    rows = store._database._writer.alone(lambda db: db.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall())
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize("name", sorted(SQL))
def test_statement_reads_no_table_in_full(store: SqliteBackend, name: str):
    found = plan(store, name)
    if name not in SMALL:
        assert "SCAN" not in found, found
    if name not in SORTS_A_FEW:
        assert "TEMP B-TREE" not in found, found


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("claimable", "job_place (queue=? AND state=?)"),
        ("due", "job_place (queue=? AND state=? AND score<?)"),
        ("expired", "job_place (queue=? AND state=? AND score<?)"),
        ("next_due", "job_place (queue=? AND state=?)"),
        ("page_forward", "job_place (queue=? AND state=? AND (score,raw)>(?,?))"),
        ("page_backward", "job_place (queue=? AND state=? AND (score,raw)<(?,?))"),
        ("drop_surplus", "job_place (queue=? AND state=?)"),
        ("drop_finished", "job_place (queue=? AND state=? AND score<?)"),
        ("running", "job_ref (queue=? AND raw=?)"),
        ("act_find", "job_ref (queue=? AND raw=?)"),
        ("get", "job_ref (queue=? AND raw=?)"),
        ("unique_holder", "job_unique_key (queue=? AND unique_key=?)"),
        ("asked", "job_asked (queue=? AND worker=?)"),
        ("journal_read", "journal_place (queue=? AND stream=? AND position>?)"),
    ],
)
def test_statement_uses_its_index(store: SqliteBackend, name: str, index: str):
    assert f"INDEX {index}" in plan(store, name)


@pytest.mark.parametrize("name", sorted(SQL))
def test_statement_is_headed_by_what_it_takes_and_gives(name: str):
    """The loader drops the head; what is left must be one statement."""
    assert ";" not in SQL[name]
    assert not SQL[name].startswith("--")
