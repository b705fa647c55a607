"""Gates, lines, keys, searches and places in line are found by an index, and no more of it is read than needed."""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from core.backends.contract import Exchange, PageQuery
from core.backends.sqlite.backend import SqliteBackend
from core.backends.sqlite.database import Database
from core.backends.sqlite.statements import SQL, having
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.job import NewJob
from core.model.states import State

from .conftest import MakeJob, Send

MANY = 5_000
INDEX = {
    "ahead": "COVERING INDEX job_place (queue=? AND state=? AND (score,raw)<(?,?))",
    "ahead_find": "INDEX job_ref (queue=? AND raw=?)",
    "gate_find": "PRIMARY KEY (queue=? AND name=?)",
    "gate_forget": "PRIMARY KEY (queue=? AND name=?)",
    "gate_next": "COVERING INDEX gate_opening (queue=? AND opens_ms>?)",
    "gate_trim": "INDEX gate_at_rest (queue=? AND paid_until_us<?)",
    "gates_named": "PRIMARY KEY (queue=? AND name>? AND name<?)",
    "gates_open": "COVERING INDEX gate_opening (queue=? AND opens_ms<?)",
    "key_find": "PRIMARY KEY (queue=? AND key=?)",
    "key_take": "PRIMARY KEY (queue=? AND key=?)",
    "key_trim": "COVERING INDEX key_holder_until (queue=? AND until_ms>? AND until_ms<?)",
    "line": "INDEX job_waiting (queue=? AND held_at=?)",
    "ready": "COVERING INDEX gate_opening (queue=? AND opens_ms>?)",
    "search_backward": "INDEX job_place (queue=? AND state=? AND (score,raw)<(?,?))",
    "search_forward": "INDEX job_place (queue=? AND state=? AND (score,raw)>(?,?))",
    "waiting_before": "INDEX job_place (queue=? AND state=?)",
}


def database_of(store: SqliteBackend) -> Database:
    assert store._database is not None
    return store._database


def plan(store: SqliteBackend, text: str) -> str:
    values = [None] * len(re.findall(r"\?", text))
    rows = database_of(store)._writer.alone(lambda db: db.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall())
    return "\n".join(row[3] for row in rows)


def steps_of(store: SqliteBackend, look: Callable[[], object]) -> int:
    """How many instructions of its machine SQLite runs for a reader meanwhile."""
    steps = itertools.count()
    with database_of(store)._readers.lent() as reader:
        reader.set_progress_handler(lambda: next(steps) and 0, 1)
    look()
    with database_of(store)._readers.lent() as reader:
        reader.set_progress_handler(None, 1)
    return next(steps)


def spent(store: SqliteBackend, act: Callable[[], object]) -> list[str]:
    """The statements that ran meanwhile on the connection that writes."""
    seen = list[str]()
    database_of(store)._writer.alone(lambda db: db.set_trace_callback(seen.append))
    act()
    database_of(store)._writer.alone(lambda db: db.set_trace_callback(None))
    return seen


@pytest.mark.parametrize("name", sorted(INDEX))
def test_statement_uses_its_index_and_sorts_nothing(store: SqliteBackend, name: str):
    found = plan(store, SQL[name].replace("/* list */", "?, ?, ?"))
    assert INDEX[name] in found, found
    assert "TEMP B-TREE" not in found, found


@pytest.mark.parametrize("needles", [1, 8])
def test_a_search_for_bytes_walks_its_index(store: SqliteBackend, needles: int):
    found = plan(store, having(SQL["search_forward"], needles))
    assert INDEX["search_forward"] in found, found
    assert "SCAN" not in found, found


@pytest.fixture
def line(store: SqliteBackend, make_job: MakeJob) -> Sequence[NewJob]:
    """Many pending jobs, in run order."""
    jobs = [make_job(arguments=b"%05d" % number) for number in range(MANY)]
    store.enqueue(jobs)
    return sorted(jobs, key=lambda job: job.raw)


def test_those_ahead_are_counted_up_to_a_limit_only(store: SqliteBackend, line: Sequence[NewJob]):
    def ahead(limit: int) -> int | None:
        return store.ahead(line[-1].ref, limit)

    assert (ahead(100), ahead(2 * MANY)) == (100, MANY - 1)
    a_hundred = steps_of(store, lambda: ahead(100))
    assert a_hundred < 20 * 100
    assert steps_of(store, lambda: ahead(2 * MANY)) > 10 * a_hundred
    assert steps_of(store, lambda: store.ahead(JobRef("mail", b"nobody"), 100)) < 100


@pytest.mark.parametrize("wanted", [{"having": (b"nowhere",)}, {"task": "nobody.*"}, {"task": "nobody.sends"}])
def test_a_search_looks_no_further_than_its_bound(store: SqliteBackend, line: Sequence[NewJob], wanted: dict[str, Any]):
    query = PageQuery(state=State.PENDING, scan_limit=100, **wanted)
    page = store.page(query)
    assert (page.jobs, page.scanned, page.exhausted) == ([], 100, False)
    assert steps_of(store, lambda: store.page(query)) < 10_000


def test_a_search_stops_where_its_page_is_full(store: SqliteBackend, line: Sequence[NewJob]):
    query = PageQuery(state=State.PENDING, having=(b"0",), limit=10)
    page = store.page(query)
    assert (len(page.jobs), page.scanned < 200) == (10, True)


def test_a_gate_with_a_long_line_is_told_without_walking_it(store: SqliteBackend, make_job: MakeJob, send: Send):
    gate = Gate("limit:shop.send", limit=1)
    store.enqueue([make_job(gate=gate) for _ in range(MANY)])
    while store.counts()[0].states[State.PENDING]:
        send(want=1_000)
    info = store.gate("mail", gate.name)
    assert info is not None
    assert (info.used, info.waiting) == (1, MANY - 1)
    assert steps_of(store, lambda: store.gate("mail", gate.name)) < 200


def test_jobs_without_gate_and_key_ask_nothing_of_either(store: SqliteBackend, line: Sequence[NewJob], send: Send):
    def work() -> None:
        store.enqueue([line[0]])
        claims = send(want=50).claims
        store.release("mail", [(claim.raw, claim.token) for claim in claims])

    touched = [text for text in spent(store, work) if re.search(r"\b(gate|key_holder|held_at)\b.*(SET|WHERE)", text)]
    assert touched == []


def test_a_closed_gate_costs_a_claim_a_few_statements_not_one_for_each_it_turns_away(
    store: SqliteBackend, make_job: MakeJob
):
    store.enqueue([make_job(gate=Gate("limit:shop.send", limit=1)) for _ in range(151)])
    call = Exchange(queue="mail", worker="w" * 32, call=1, want=1)
    store.exchange(call)
    reads = [text for text in spent(store, lambda: store.exchange(replace_call(call, 2))) if text.startswith("SELECT")]
    assert store.counts()[0].states[State.HELD] == 150
    assert len(reads) < 15


def replace_call(call: Exchange, number: int) -> Exchange:
    return Exchange(queue=call.queue, worker=call.worker, call=number, want=call.want)
