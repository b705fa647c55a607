"""The statements that run often find their rows by an index when the tables are large, and look at few of them.

PLAN_ROWS says how large; `./dev plans` says a million.
"""

import itertools
import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args

import psycopg
import pytest
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus

from core.backends.contract import Backend
from core.backends.postgres.backend import PostgresBackend, open_url
from core.backends.postgres.database import PLANNER
from core.backends.postgres.partitions import make_day
from core.backends.postgres.statements import Statements
from core.backends.sql.files import statements
from core.model.states import FINAL, State

ROWS = int(os.environ.get("PLAN_ROWS", "60000"))  # live ones, and finished ones
RUNNING = 500
DAYS = 6
DAY_MS = 86_400_000
FIRST_FINISHED = 10_000_000  # ids count from here
RAWS = [number.to_bytes(14, "big") for number in range(1_000, 1_020, 2)]  # live ones of the first queue
CLAIMED = [number.to_bytes(14, "big") for number in range(2, 22, 2)]
GONE = [number.to_bytes(14, "big") for number in range(FIRST_FINISHED, FIRST_FINISHED + 20, 2)]
SCHEMA = "plans"
FILL = f"""
INSERT INTO {SCHEMA}.queue (name, is_known) VALUES ('mail', true), ('bills', true);
INSERT INTO {SCHEMA}.job (queue, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms,
                          ready_ms, unique_key, worker, token)
SELECT 1 + n % 2, decode(lpad(to_hex(n), 28, '0'), 'hex'),
       CASE WHEN n <= {RUNNING} THEN 3 ELSE (ARRAY[0, 0, 0, 1, 2, 4])[1 + n % 6] END, n, 'shop.send', '\\x80', '', 0, 4,
       0, 0, CASE WHEN n % 10 = 0 THEN 'key' || n ELSE '' END,
       CASE WHEN n <= {RUNNING} THEN 'w' || n % 10 ELSE '' END, n
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO {SCHEMA}.finished (queue, raw, state, finished_ms, task, arguments, options, priority, max_attempts,
                               enqueued_ms, unique_key, attempts, forgiven, losses, operations, reason, lines)
SELECT 1 + n % 2, decode(lpad(to_hex(n + {FIRST_FINISHED}), 28, '0'), 'hex'), 5 + n % 3,
       %s + n * {DAYS * DAY_MS // ROWS}, 'shop.send', '\\x80', '', 0, 4, 0, '', 1, 0, 0, '{{}}', '', '{{}}'
FROM generate_series(0, {ROWS - 1}) AS n;
INSERT INTO {SCHEMA}.journal SELECT 1, 'failures', n, '\\x90' FROM generate_series(1, 20000) AS n;
ANALYZE {SCHEMA}.job; ANALYZE {SCHEMA}.finished; ANALYZE {SCHEMA}.journal;
"""


class Looked(NamedTuple):
    """What a statement read when it ran: rows of the two large tables, and blocks of eight kilobytes of anything."""

    rows: int
    blocks: int


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


Mode = Literal["custom", "generic"]
MODES = pytest.mark.parametrize("mode", get_args(Mode))  # planned for its values, or once for all of them
NUMBERS = itertools.count()
NAMED = re.compile(r"%\((\w+)\)s")
_JSON = "ANALYZE, BUFFERS, FORMAT JSON, TIMING OFF"


def planned(store: PostgresBackend, mode: Mode, options: str, text: str, values: dict[str, Any]) -> list[Any]:
    """What EXPLAIN says of a statement; what it did is undone."""

    def explained(db: psycopg.Connection[Any]) -> list[Any]:
        db.execute(f"BEGIN; {PLANNER}", prepare=False)
        try:
            if mode == "custom":
                return db.execute(f"EXPLAIN ({options}) {text}", values, binary=True, prepare=False).fetchall()
            name = prepared(db, text, values)
            given = [values[name] for name in dict.fromkeys(NAMED.findall(text))]
            question = f"EXPLAIN ({options}) EXECUTE {name} ({', '.join(['%s'] * len(given))})"
            db.execute("SET LOCAL plan_cache_mode = force_generic_plan", prepare=False)
            return psycopg.ClientCursor(db).execute(question, given, prepare=False).fetchall()
        finally:
            db.execute("ROLLBACK", prepare=False)

    return store._open_database().alone(explained)


def prepared(db: psycopg.Connection[Any], text: str, values: dict[str, Any]) -> str:
    """The name of the statement, prepared with the types that the driver gives its values."""
    query, name = PostgresQuery(Transformer(db)), f"asked_{next(NUMBERS)}"
    query.convert(text, values)
    assert db.pgconn.prepare(name.encode(), query.query, query.types).status == ExecStatus.COMMAND_OK
    return name


def explain(store: PostgresBackend, mode: Mode, text: str, values: dict[str, Any]) -> str:
    return "\n".join(row[0] for row in planned(store, mode, "FORMAT TEXT", text, values))


def run(store: PostgresBackend, mode: Mode, text: str, values: dict[str, Any]) -> Looked:
    """Run a statement, see what it read, and undo what it did."""
    found = planned(store, mode, _JSON, text, values)[0][0]
    plan = (found if isinstance(found, list) else json.loads(found))[0]["Plan"]
    return Looked(_rows_of(plan), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _rows_of(node: dict[str, Any]) -> int:
    """Rows that scans of the large tables met, those they threw away included."""
    table = node.get("Relation Name", "")
    own = 0
    if "Scan" in node["Node Type"] and (table == "job" or table.startswith("finished")):
        met = sum(
            node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        )
        own = round(met * node["Actual Loops"])
    return own + sum(_rows_of(part) for part in node.get("Plans", []))


EVERYWHERE: dict[str, Any] = {"now": 1, "before": 1 << 62, "told": 10, "oldest": 0}  # unless a case says otherwise
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "claim": ({"queue": 1, "want": 100, "worker": "w", "lease_ms": 1}, "job_pending"),
    "claims_again": ({"queue": 1, "worker": "w2", "tokens": [2, 12]}, "job_running"),
    "promote": ({"queue": 2, "now": ROWS, "limit": 100}, "job_failed"),
    "exchange_begin": ({"name": "bills", "worker": "w1"}, "job_scheduled"),
    "exchange_end": ({"queue": 1, "worker": "w2"}, "job_running"),
    "settle": (
        {
            "queue": 1,
            "now": int(time.time() * 1000),  # there is a partition for today
            "raw": CLAIMED,
            "token": [int.from_bytes(raw, "big") for raw in CLAIMED],
            "state": [4, 5] * (len(CLAIMED) // 2),
            "result": [None] * len(CLAIMED),
            "error": [None] * len(CLAIMED),
            "reason": [""] * len(CLAIMED),
            "line": [b""] * len(CLAIMED),
            "if_expired": [False] * len(CLAIMED),
            "held_at": [],
            **{name: [0] * len(CLAIMED) for name in ("charge", "delay_ms")},
        },
        "job_pkey",
    ),
    "renew": ({"queue": 1, "until": 1, "raw": RAWS, "token": [1] * len(RAWS)}, "job_pkey"),
    "release": ({"queue": 1, "raw": RAWS, "token": [1] * len(RAWS)}, "job_pkey"),
    "expired": ({"queue": 1, "limit": 10}, "job_running"),
    "counts": ({"told": 10}, "job_pending"),
    "ready": ({"names": ["mail", "bills"]}, "job_pending"),
    "act_find_live": ({"queue": 1, "raw": RAWS}, "job_pkey"),
    "act_find_finished": ({"queue": 1, "raw": GONE}, "_pkey"),
    "act_run_afresh": (
        {"queue": 1, "raw": GONE, "operation": "o", "kept": 4, "reason": "r"},
        "_pkey",
    ),
    "exists": ({"queue": 1, "raw": RAWS, "unique_key": ["key10"] * len(RAWS)}, "job_unique_key"),
    "job_add_check": ({"queue": 1, "raw": GONE}, "_pkey"),
    "get": ({"names": ["mail"] * len(RAWS), "raw": RAWS}, "job_pkey"),
    "drop_finished": ({"queue": 1, "state": 5, "limit": 10}, "queue_state_finished_ms_raw"),
    "journal_read": ({"name": "mail", "stream": "failures", "after": 100, "limit": 10}, "journal_pkey"),
}
# How many rows of the large tables a statement may look at, in jobs that it is asked for; running ones are few.
WANTED = {"claim": 100, "claims_again": RUNNING, "promote": 200, "exchange_end": RUNNING, "expired": RUNNING}
TIMES = 4  # in the index, in the table, and beside it when it is joined with itself
BLOCKS_A_ROW = 20  # of several indexes and the table; a row that is moved is written to each
LOOKS_IN_EVERY_DAY = {"act_find_finished", "act_run_afresh", "exists", "get", "job_add_check"}
BLOCKS_A_DAY = 6  # down its index, and once more for what is deleted


@MODES
@pytest.mark.parametrize("name", sorted(CASES))
def test_statement_uses_its_index(large: PostgresBackend, name: str, mode: Mode):
    values, index = CASES[name]
    plan = explain(large, mode, large._open_database().sql[name], EVERYWHERE | values)
    assert index in plan, plan
    assert_reads_no_large_table_in_full(plan)


@MODES
@pytest.mark.parametrize("name", sorted(CASES))
def test_statement_looks_at_few_rows_however_many_there_are(large: PostgresBackend, name: str, mode: Mode):
    wanted = WANTED.get(name, len(RAWS))
    looked = run(large, mode, large._open_database().sql[name], EVERYWHERE | CASES[name][0])
    print(f"{name}: {looked.rows} rows and {looked.blocks} blocks for {wanted} among {2 * ROWS:,}")
    assert looked.rows <= TIMES * wanted, looked
    most = BLOCKS_A_ROW + (BLOCKS_A_DAY * DAYS if name in LOOKS_IN_EVERY_DAY else 0)
    assert looked.blocks <= most * wanted + 50, looked


def page_values(**changes: Any) -> dict[str, Any]:
    return {"queues": [1, 2], "score": [1 << 60] * 2, "raw": [b"", b""], "limit": 51, "most": 51, "state": 5, **changes}


@MODES
@pytest.mark.parametrize("descending", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("state", State)
def test_a_page_is_read_by_its_index(large: PostgresBackend, state: State, descending: bool, mode: Mode):
    plan = explain(large, mode, large._open_database().sql.page(state, descending=descending), page_values())
    assert_reads_no_large_table_in_full(plan)
    if state is not State.RUNNING:
        assert f"job_{state.value}" in plan or "queue_state_finished_ms_raw" in plan, plan


@MODES
@pytest.mark.parametrize("descending", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("place", ["first", "deep"])
def test_a_page_looks_at_few_rows_wherever_it_begins(
    large: PostgresBackend, state: State, descending: bool, place: str, mode: Mode
):
    """Two queues, each walked for a page: the rest of the state is neither read nor sorted. Who runs is."""
    score = place_of(large, state, "middle" if place == "deep" else "last" if descending else "before the first")
    code = {State.COMPLETED: 5, State.DEAD: 6, State.CANCELLED: 7}.get(state, 0)
    values = page_values(score=[score] * 2, state=code)
    looked = run(large, mode, large._open_database().sql.page(state, descending=descending), values)
    print(
        f"page of {state.value}, {place}, {'back' if descending else 'on'}: {looked.rows} rows, {looked.blocks} blocks"
    )
    wanted = RUNNING if state is State.RUNNING else 2 * 51
    assert 51 <= looked.rows <= wanted + DAYS, looked
    assert looked.blocks <= 2 * wanted + 20 * DAYS, looked


def place_of(store: PostgresBackend, state: State, where: str) -> int:
    """A score in the order of a state; the finished were spread over days."""
    if state is State.RUNNING:
        return -1 if where != "last" else 1 << 60
    today_ms = store.now_ms() // DAY_MS * DAY_MS
    first, last = (today_ms - DAYS * DAY_MS, today_ms) if state in FINAL else (0, ROWS)
    return {"before the first": first - 1, "middle": (first + last) // 2, "last": last + 1}[where]


@MODES
def test_a_job_sent_again_is_looked_for_only_in_the_days_it_can_have_finished_in(large: PostgresBackend, mode: Mode):
    oldest = large.now_ms() - 2 * DAY_MS
    values = {"queue": 1, "raw": RAWS, "oldest": oldest}
    plan = explain(large, mode, large._open_database().sql["job_add_check"], values)
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
