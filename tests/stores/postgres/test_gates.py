"""What gates cost: nothing to plain jobs, a few statements and an index to those that have one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from core.backends.contract import Backend, PageQuery
from core.backends.postgres import gates
from core.backends.postgres.backend import PostgresBackend, open_url
from core.model.gate import Gate
from core.model.job import Unique
from core.model.outcome import Outcome
from core.model.retention import Retention
from core.model.states import State

from .conftest import Ask, MakeJob, Send

Sent = Callable[[Callable[[], object]], list[str]]
SCHEMA = "gate_plans"
FILL = f"""
INSERT INTO {SCHEMA}.queue (name) VALUES ('mail');
INSERT INTO {SCHEMA}.job (queue, raw, state, score, run_score, task, arguments, options, priority, max_attempts,
                          enqueued_ms, ready_ms, unique_key, gate, held_at, has_passed)
SELECT 1, decode(lpad(to_hex(n), 28, '0'), 'hex'), CASE WHEN n % 2 = 0 THEN 2 ELSE 0 END, n, n, 'shop.send', '\\x80',
       '', 0, 4, 0, 0, '', 'limit:' || n % 50, CASE WHEN n % 2 = 0 THEN 'limit:' || n % 50 END,
       n % 401 = 0 AND n % 2 = 1
FROM generate_series(1, 20000) AS n;
INSERT INTO {SCHEMA}.gate (queue, name, packed, opens_ms, awaited, waits)
SELECT 1, 'limit:' || n, '\\x80', CASE WHEN n % 100 = 0 THEN n END, CASE WHEN n % 100 = 0 THEN 'task' || n END, true
FROM generate_series(1, 20000) AS n;
INSERT INTO {SCHEMA}.timed_key SELECT 1, 'key' || n, '\\x80', n FROM generate_series(1, 20000) AS n;
ANALYZE {SCHEMA}.job;
ANALYZE {SCHEMA}.gate;
ANALYZE {SCHEMA}.timed_key
"""
PLANS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "gate_load": ({"queue": 1, "name": ["limit:1", "limit:2"]}, ["job_passed", "gate_pkey"]),
    "gate_open": ({"queue": 1, "passed": True, "name": ["limit:2"], "most": [3]}, ["job_waiting"]),
    "gate_waiting": ({"queue": 1, "name": ["limit:2"]}, ["job_waiting"]),
    "gate_due": ({"queue": 1, "now": 500, "limit": 100}, ["gate_opens"]),
    "gate_lock": ({"slots": [1, 5, 9]}, ["gate_lock_pkey"]),
    "claim_line": ({"queue": 1, "score": 50, "raw": b"", "limit": 20}, ["job_pending"]),
    "ahead": ({"name": "mail", "raw": b"\x00" * 12 + b"\x10\x01", "limit": 100}, ["job_pending", "job_pkey"]),
    "having_live": ({"queues": [1], "raw": [b"\x00" * 14], "needles": [b"x"]}, ["job_pkey"]),
    "key_trim": ({"queue": 1, "now": 100, "limit": 50}, ["timed_key_end"]),
    "key_expire": ({"queue": 1, "unique_key": ["a"], "now": 100}, ["job_unique_key"]),
    "exchange_end_gated": ({"queue": 1, "worker": "w", "told": 10}, ["gate_opens", "gate_awaited"]),
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The statements that were sent meanwhile."""
    seen: list[str] = []
    execute = psycopg.Connection.execute

    def counting(self: psycopg.Connection, query: str, *values: object, **options: object) -> psycopg.Cursor:
        seen.append(query)
        return execute(self, query, *values, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", counting)

    def run(act: Callable[[], object]) -> list[str]:
        seen.clear()
        act()
        return list(seen)

    return run


@pytest.fixture(scope="module")
def filled(postgres_server: str) -> Iterator[PostgresBackend]:
    """Many gates, many who wait at them, many keys."""
    store = open_url(f"{postgres_server}&schema={SCHEMA}")
    store.open()
    assert isinstance(store, PostgresBackend)
    with psycopg.connect(postgres_server, autocommit=True) as db:
        for statement in FILL.split(";"):
            db.execute(statement)
    yield store
    store.close()


def test_plain_jobs_cost_the_same_beside_gates(store: Backend, make_job: MakeJob, send: Send, sent: Sent):
    store.enqueue([make_job() for _ in range(60)])
    claims = send(want=10).claims
    alone = sent(lambda: send([Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims], want=10))
    gated = [make_job(gate=Gate("limit:a", limit=1), priority=100) for _ in range(3)]
    store.enqueue(gated)
    claims = send(want=10).claims
    assert [claim.raw for claim in claims[:1]] == [gated[0].raw]
    plain = claims[1:]
    beside = sent(lambda: send([Outcome(claim.raw, claim.token, State.COMPLETED) for claim in plain], want=10))
    assert len(beside) == len(alone)


def test_a_gated_batch_costs_a_handful_of_statements_more(store: Backend, make_job: MakeJob, send: Send, sent: Sent):
    store.enqueue([make_job() for _ in range(40)])
    claims = send(want=10).claims
    plain = sent(lambda: send([Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims], want=10))
    send([], want=100)
    twenty = [Gate(f"limit:{number}", limit=5) for number in range(20)]
    store.enqueue([make_job(gate=twenty[number % 20]) for number in range(200)])
    claims = send(want=50).claims
    assert len(claims) == 50
    done = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims]
    gated = sent(lambda: send(done, want=50))
    assert len(gated) <= len(plain) + 5, gated


def test_a_hundred_turned_away_are_not_a_hundred_statements(store: Backend, make_job: MakeJob, send: Send, sent: Sent):
    store.enqueue([make_job(gate=Gate("limit:a", limit=1)) for _ in range(150)])
    last = make_job()
    store.enqueue([last])
    assert len(send(want=1).claims) == 1
    statements = sent(lambda: send(want=1))
    assert store.counts()[0].states[State.HELD] == 149
    assert len(statements) <= 40, statements
    [job] = store.get([last.ref])
    assert job is not None
    assert job.state is State.RUNNING


def test_a_limit_that_is_lifted_lets_a_bounded_part_through_and_the_rest_by_claims(
    store: Backend, make_job: MakeJob, send: Send, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gates, "_REFILLED", 10)
    jobs = [make_job(gate=Gate("limit:a", limit=1)) for _ in range(40)]
    store.enqueue(jobs)
    claimed = [claim.raw for claim in send(want=1).claims]
    send(want=1)
    store.enqueue([make_job(gate=Gate("limit:a", limit=100), priority=100)])
    send(want=1)
    assert store.counts()[0].states[State.HELD] == 40 - 1 - 10 + 1
    while len(claimed) < 41:
        reply = send(want=7)
        assert reply.claims
        claimed += [claim.raw for claim in reply.claims]
    assert len(set(claimed)) == 41


def test_jobs_of_a_callers_transaction_come_to_their_gates(
    store: Backend, postgres_server: str, make_job: MakeJob, send: Send
):
    assert isinstance(store, PostgresBackend)
    with psycopg.connect(postgres_server) as theirs:
        assert store.refusal(theirs) == ""
        store.enqueue_within(theirs, [make_job(gate=Gate("limit:a", limit=1)) for _ in range(3)])
        assert send(want=3).claims == []
    assert len(send(want=3).claims) == 1
    assert store.counts()[0].states[State.HELD] == 2


def test_a_renewed_lease_touches_no_index(store: Backend, make_job: MakeJob, send: Send, ask: Ask, schema: str):
    store.enqueue([make_job(gate=Gate("limit:a", limit=5)) for _ in range(5)])
    claims = [(claim.raw, claim.token) for claim in send(want=5).claims]
    assert len(claims) == 5
    before = _hot(ask, schema)
    for _ in range(20):
        assert store.renew("mail", claims, 30_000) == []
    store.close()  # its sessions tell what they counted when they end
    until = time.monotonic() + 10
    while _hot(ask, schema) - before < 100 and time.monotonic() < until:
        time.sleep(0.05)
    assert _hot(ask, schema) - before == 100


def _hot(ask: Ask, schema: str) -> int:
    query = "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = %s AND relname = 'job'"
    [[number]] = ask(query, schema)
    return int(number)


@pytest.mark.parametrize("name", sorted(PLANS))
def test_a_statement_uses_its_index(filled: PostgresBackend, name: str):
    values, indexes = PLANS[name]
    opened = filled._open_database()
    rows = opened.alone(lambda db: db.execute(f"EXPLAIN {opened.sql[name]}", values).fetchall())
    plan = "\n".join(row[0] for row in rows)
    assert all(index in plan for index in indexes), plan
    assert "Seq Scan on job" not in plan, plan


def test_an_upkeep_forgets_idle_gates_and_keys_whose_time_is_over(
    store: Backend, make_job: MakeJob, send: Send, ask: Ask, schema: str
):
    running, done = make_job(gate=Gate("limit:a", limit=1)), make_job(gate=Gate("limit:b", limit=1))
    keyed = make_job(unique_key="k", unique=Unique.FOR_A_TIME, unique_ms=1)
    store.enqueue([running, done, keyed])
    claims = {claim.raw: claim for claim in send(want=3).claims}
    send([Outcome(done.raw, claims[done.raw].token, State.COMPLETED)])
    store.trim("mail", Retention(), 100)
    assert ask(f"SELECT name FROM {schema}.gate") == [("limit:a",)]
    assert ask(f"SELECT count(*) FROM {schema}.timed_key") == [(0,)]


def test_a_search_looks_into_no_more_jobs_than_it_may(store: Backend, make_job: MakeJob, sent: Sent):
    store.enqueue(
        [make_job(arguments=b"\x81\xa2to\xa3ann" if number % 700 == 0 else b"\x80") for number in range(1_400)]
    )
    query = PageQuery(state=State.PENDING, having=(b"ann",), limit=1, scan_limit=1_000)
    looked = [text for text in sent(lambda: store.page(query)) if "needle" in text]
    assert len(looked) == 1  # the page was full within the first part
    rest = PageQuery(state=State.PENDING, having=(b"nobody",), limit=1, scan_limit=1_000)
    assert (store.page(rest).scanned, store.page(rest).exhausted) == (1_000, False)
