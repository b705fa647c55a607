"""The statements that run often find their rows by an index, however large the tables are, and look at few of them.

PLAN_ROWS says how large; `./dev plans` says a million.
"""

import os
import re
from collections.abc import Callable, Iterator

import pytest

from core.backends.contract import Cursor, Exchange, PageQuery
from core.backends.sqlite.backend import SqliteBackend
from core.backends.sqlite.database import Database
from core.backends.sqlite.statements import SQL
from core.model.ident import new_raw
from core.model.job import Claim, NewJob
from core.model.outcome import Outcome
from core.model.states import State

ROWS = int(os.environ.get("PLAN_ROWS", "60000"))
BATCH, LIMIT = 100, 50
# What SQLite's machine may do for a job that it is asked for, in instructions: they are the same on every disk. A walk
# over all jobs of a state would take millions of them.
STEPS_A_PLACE, STEPS_A_CALL = 50, 1_000
STEPS_A_SETTLED_AND_CLAIMED = 600
# By the numbers of migrations/0001_jobs.sql: who runs is few, every other state has its share.
SPREAD = """
UPDATE job
SET state = CASE WHEN id <= 200 THEN 3 ELSE CAST(substr('00001245670', 1 + id % 11, 1) AS INTEGER) END, score = id
"""

# What SQLite may sort or walk in full: lists of a few rows, and the tables that hold a row a queue or a process.
SMALL = {"queue_ids", "counts", "worker_list", "worker_stale", "schedule_list", "reply_trim", "reply_forget", "ahead"}
SORTS_A_FEW = {"claimed", "asked", "schedule_list", "worker_list", "get"}
WALKED = {"waiting_before": "job_place", "claimed": "job_place"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteBackend]:
    """Two queues with many jobs in every state."""
    opened = SqliteBackend(tmp_path_factory.mktemp("plans") / "jobs.sqlite3", synchronous="OFF")
    opened.open()
    for first in range(0, ROWS, 10_000):
        numbers = range(first, min(first + 10_000, ROWS))
        opened.enqueue([NewJob(("mail", "bills")[n % 2], new_raw(), "shop.send", b"\x80") for n in numbers])
    database_of(opened)._writer.alone(lambda db: db.execute(SPREAD))
    yield opened
    opened.close()


def database_of(store: SqliteBackend) -> Database:
    assert store._database is not None
    return store._database


def steps_of(store: SqliteBackend, act: Callable[[], object]) -> int:
    """How many instructions SQLite's machine runs meanwhile, in the writer and in the reader that is lent next."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    database = database_of(store)
    with database._readers.lent() as reader:
        reader.set_progress_handler(count, 1)
    database._writer.alone(lambda db: db.set_progress_handler(count, 1))
    try:
        act()
    finally:
        database._writer.alone(lambda db: db.set_progress_handler(None, 1))
        with database._readers.lent() as reader:
            reader.set_progress_handler(None, 1)
    return counted


def plan(store: SqliteBackend, name: str) -> str:
    text = SQL[name].replace("/* list */", "?, ?, ?")
    values = [None] * len(re.findall(r"\?", text))
    rows = database_of(store)._writer.alone(lambda db: db.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall())
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
        ("waiting_before", "job_place (queue=? AND state=?)"),
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


@pytest.mark.parametrize("place", ["first", "deep, on", "deep, back"])
@pytest.mark.parametrize("state", State)
def test_a_page_takes_few_steps_wherever_it_begins(store: SqliteBackend, state: State, place: str):
    middle = Cursor(100 if state is State.RUNNING else ROWS // 2, "mail", b"\x80" * 14)
    edge = {"first": {}, "deep, on": {"after": middle}, "deep, back": {"before": middle}}[place]
    query = PageQuery(state=state, limit=LIMIT, **edge)
    page = store.page(query)
    assert len(page.jobs) == LIMIT
    steps = steps_of(store, lambda: store.page(query))
    print(f"page of {state.value}, {place}: {steps:,} steps for {LIMIT} of {ROWS:,}")
    assert 0 < steps <= STEPS_A_CALL + STEPS_A_PLACE * 2 * LIMIT


def test_counts_take_few_steps(store: SqliteBackend):
    steps = steps_of(store, store.counts)
    print(f"counts: {steps:,} steps for two queues of {ROWS:,}")
    assert 0 < steps <= STEPS_A_CALL


def test_an_exchange_takes_few_steps_for_each_job(store: SqliteBackend):
    def exchange(call: int, claims: list[Claim]) -> list[Claim]:
        outcomes = [Outcome(claim.raw, claim.token, State.COMPLETED, result=b"\xc0", line=b"\xa1l") for claim in claims]
        wanted = Exchange(queue="mail", worker="w" * 32, call=call, outcomes=outcomes, want=BATCH, keep_completed=1)
        return list(store.exchange(wanted).claims)

    claims = exchange(1, [])
    assert len(claims) == BATCH
    steps = steps_of(store, lambda: exchange(2, claims))
    print(f"exchange: {steps:,} steps to settle {BATCH}, trim as many and claim {BATCH} of {ROWS:,}")
    assert 0 < steps <= STEPS_A_CALL + STEPS_A_SETTLED_AND_CLAIMED * BATCH
