"""What a job costs: transactions and statements counted by SQLite, bytes in the file."""

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from core.backends.sqlite.backend import SqliteBackend
from core.backends.sqlite.statements import SQL
from core.model.outcome import Outcome
from core.model.states import State

from .conftest import MakeJob, Send

BATCH = 50
MANY = 10_000
PAYLOAD = msgspec.msgpack.encode({"i": 1, "user_id": 12345, "email": "someone@example.com", "template": "welcome"})


def spent(store: SqliteBackend, act: Callable[[], object]) -> list[str]:
    """The statements that ran meanwhile on the connection that writes."""
    assert store._database is not None
    writer, seen = store._database._writer, list[str]()
    writer.alone(lambda db: db.set_trace_callback(seen.append))
    act()
    writer.alone(lambda db: db.set_trace_callback(None))
    return seen


def commits(statements: list[str]) -> int:
    return statements.count("COMMIT")


def test_one_enqueue_is_one_transaction(store: SqliteBackend, make_job: MakeJob):
    store.enqueue([make_job()])
    assert commits(spent(store, lambda: store.enqueue([make_job()]))) == 1


def test_ten_thousand_in_one_call_are_one_transaction(store: SqliteBackend, make_job: MakeJob):
    jobs = [make_job() for _ in range(MANY)]
    assert commits(spent(store, lambda: store.enqueue(jobs))) == 1


def test_a_batch_is_settled_and_the_next_one_claimed_in_one_transaction(
    store: SqliteBackend, make_job: MakeJob, send: Send
):
    store.enqueue([make_job() for _ in range(2 * BATCH)])
    claims = send(want=BATCH).claims
    done = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims]
    statements = spent(store, lambda: send(done, want=BATCH))
    assert commits(statements) == 1
    assert len(statements) <= 8 * BATCH
    print(f"{len(statements)} statements for {BATCH} settled and {BATCH} claimed")


def steps_of_counts(store: SqliteBackend) -> int:
    """How many instructions of its machine SQLite runs for them."""
    assert store._database is not None
    steps = itertools.count()

    def count(db: sqlite3.Connection) -> None:
        db.set_progress_handler(lambda: next(steps) and 0, 1)
        db.execute(SQL["counts"]).fetchall()
        db.set_progress_handler(None, 1)

    store._database._writer.alone(count)
    return next(steps)


def test_counts_cost_the_same_whatever_they_hold(store: SqliteBackend, make_job: MakeJob):
    store.enqueue([make_job() for _ in range(10)])
    few = steps_of_counts(store)
    store.enqueue([make_job() for _ in range(5_000)])
    assert steps_of_counts(store) == few > 0


def test_an_idle_exchange_is_a_handful_of_statements(store: SqliteBackend, send: Send):
    send(want=4)
    assert len(spent(store, lambda: send(want=4))) <= 12


def test_a_queued_job_takes_at_most_four_hundred_bytes(store: SqliteBackend, path: Path, make_job: MakeJob):
    def size() -> int:
        assert store._database is not None
        store._database._writer.alone(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
        return path.stat().st_size

    store.enqueue([make_job()])
    before = size()
    store.enqueue([make_job(arguments=PAYLOAD) for _ in range(20_000)])
    a_job = (size() - before) / 20_000
    print(f"{a_job:.0f} bytes a queued job, {len(PAYLOAD)} of them its arguments")
    assert a_job <= 400
