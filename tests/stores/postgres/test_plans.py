"""The statements that run often find their rows by an index when the tables are large, and lock what they should."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.backends.contract import Backend
from core.backends.postgres.backend import PostgresBackend, open_url
from core.backends.postgres.partitions import make_day
from core.backends.postgres.statements import Statements
from core.backends.sql.files import statements
from core.model.states import State

LIVE, RUNNING, FINISHED = 60_000, 500, 60_000
DAYS = 6
DAY_MS = 86_400_000
RAWS = [number.to_bytes(14, "big") for number in range(1, 11)]
SCHEMA = "plans"
FILL = f"""
INSERT INTO {SCHEMA}.queue (name, is_known) VALUES ('mail', true), ('bills', true);
INSERT INTO {SCHEMA}.job (queue, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms,
                          ready_ms, unique_key, worker, token)
SELECT 1 + n % 2, decode(lpad(to_hex(n), 28, '0'), 'hex'),
       CASE WHEN n <= {RUNNING} THEN 3 ELSE (ARRAY[0, 0, 0, 1, 2, 4])[1 + n % 6] END, n, 'shop.send', '\\x80', '', 0, 4,
       0, 0, CASE WHEN n % 10 = 0 THEN 'key' || n ELSE '' END,
       CASE WHEN n <= {RUNNING} THEN 'w' || n % 10 ELSE '' END, n
FROM generate_series(1, {LIVE}) AS n;
INSERT INTO {SCHEMA}.finished (queue, raw, state, finished_ms, task, arguments, options, priority, max_attempts,
                               enqueued_ms, unique_key, attempts, forgiven, losses, operations, reason, lines)
SELECT 1 + n % 2, decode(lpad(to_hex(n + 1000000), 28, '0'), 'hex'), 5 + n % 3, %s + n * {DAYS * DAY_MS // FINISHED},
       'shop.send', '\\x80', '', 0, 4, 0, '', 1, 0, 0, '{{}}', '', '{{}}'
FROM generate_series(0, {FINISHED - 1}) AS n;
INSERT INTO {SCHEMA}.journal SELECT 1, 'failures', n, '\\x90' FROM generate_series(1, 20000) AS n;
ANALYZE {SCHEMA}.job; ANALYZE {SCHEMA}.finished; ANALYZE {SCHEMA}.journal;
"""


@pytest.fixture(scope="module")
def large(postgres_server: str) -> Iterator[PostgresBackend]:
    """Many jobs of every state, and finished ones over several days."""
    store = open_url(f"{postgres_server}&schema={SCHEMA}")
    store.open()
    assert isinstance(store, PostgresBackend)
    first_ms = store.now_ms() // DAY_MS * DAY_MS - DAYS * DAY_MS
    database = store._open_database()
    from_day = [first_ms + day * DAY_MS for day in range(DAYS)]
    for at_ms in from_day:
        database.alone(lambda db, at_ms=at_ms: make_day(db, database.sql, at_ms))
    for statement in FILL.strip().split(";\n"):
        database.alone(lambda db, text=statement: db.execute(text.replace("%s", str(first_ms))))
    yield store
    store.close()


def explain(store: PostgresBackend, text: str, values: dict[str, Any]) -> str:
    database = store._open_database()
    rows = database.alone(lambda db: db.execute(f"EXPLAIN {text}", values).fetchall())
    return "\n".join(row[0] for row in rows)


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "claim": ({"queue": 1, "want": 100, "worker": "w", "now": 1, "lease_ms": 1}, "job_pending"),
    "claims_again": ({"queue": 1, "worker": "w1", "tokens": [1, 2]}, "job_running"),
    "promote": ({"queue": 1, "now": 100, "limit": 100}, "job_failed"),
    "exchange_begin": ({"name": "mail", "worker": "w1"}, "job_scheduled"),
    "exchange_end": ({"queue": 1, "worker": "w1"}, "job_running"),
    "renew": ({"queue": 1, "until": 1, "raw": RAWS, "token": [1] * len(RAWS)}, "job_pkey"),
    "release": ({"queue": 1, "now": 1, "raw": RAWS, "token": [1] * len(RAWS)}, "job_pkey"),
    "expired": ({"queue": 1, "now": 1, "limit": 10}, "job_running"),
    "counts": ({}, "job_pending"),
    "ready": ({"names": ["mail", "bills"]}, "job_pending"),
    "act_find_live": ({"queue": 1, "raw": RAWS}, "job_pkey"),
    "act_find_finished": ({"queue": 1, "raw": RAWS, "oldest": 0}, "_pkey"),
    "act_run_afresh": (
        {"queue": 1, "raw": RAWS, "oldest": 0, "now": 1, "operation": "o", "kept": 4, "reason": "r"},
        "_pkey",
    ),
    "exists": ({"queue": 1, "oldest": 0, "raw": RAWS, "unique_key": ["key10"] * len(RAWS)}, "job_unique_key"),
    "job_add_check": ({"queue": 1, "raw": RAWS, "oldest": 0}, "_pkey"),
    "get": ({"names": ["mail"] * len(RAWS), "raw": RAWS, "oldest": 0}, "job_pkey"),
    "drop_finished": ({"queue": 1, "state": 5, "before": 1 << 62, "limit": 10}, "queue_state_finished_ms_raw"),
    "journal_read": ({"name": "mail", "stream": "failures", "after": 100, "limit": 10}, "journal_pkey"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_statement_uses_its_index(large: PostgresBackend, name: str):
    values, index = CASES[name]
    plan = explain(large, large._open_database().sql[name], values)
    assert index in plan, plan
    assert_reads_no_large_table_in_full(plan)


@pytest.mark.parametrize("descending", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("state", State)
def test_a_page_is_read_by_its_index(large: PostgresBackend, state: State, descending: bool):
    values = {"queues": [1, 2], "score": [1 << 60] * 2, "raw": [b"", b""], "limit": 51, "state": 5}
    plan = explain(large, large._open_database().sql.page(state, descending=descending), values)
    assert_reads_no_large_table_in_full(plan)
    if state is not State.RUNNING:
        assert f"job_{state.value}" in plan or "queue_state_finished_ms_raw" in plan, plan


def test_a_job_sent_again_is_looked_for_only_in_the_days_it_can_have_finished_in(large: PostgresBackend):
    oldest = large.now_ms() - 2 * DAY_MS
    values = {"queue": 1, "raw": RAWS, "oldest": oldest}
    plan = explain(large, large._open_database().sql["job_add_check"], values)
    assert plan.count("_pkey on finished_") <= 4, plan


def assert_reads_no_large_table_in_full(plan: str) -> None:
    """Partitions that are (nearly) empty may be walked: there is nothing in them."""
    walked = [line for line in plan.splitlines() if "Seq Scan on job" in line or "Seq Scan on finished" in line]
    assert not [line for line in walked if int(line.split("rows=")[1].split()[0]) > 100], plan


@pytest.mark.parametrize("name", sorted(statements("core.backends.postgres")))
def test_statement_is_headed_by_what_it_takes_and_gives(name: str):
    """The loader drops the head; what is left must be one statement, but for the two that make a day."""
    text = Statements("jobs")[name]
    assert not text.startswith("--")
    assert text.count(";") == (name == "partition_add")


def test_every_statement_is_written_for_the_schema_it_runs_in(large: Backend):
    sql = Statements("elsewhere")
    for name in statements("core.backends.postgres"):
        assert "jobs." not in sql[name]
