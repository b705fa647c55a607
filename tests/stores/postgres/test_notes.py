"""Notes in PostgreSQL: what they cost, and that none is left behind."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import psycopg
import pytest

from core.backends.contract import Backend, Exchange, Note
from core.backends.postgres.backend import PostgresBackend, open_url
from core.backends.postgres.partitions import DAY_MS
from core.backends.postgres.statements import Statements
from core.model.ident import JobRef, new_raw
from core.model.job import Claim
from core.model.outcome import Charge, Outcome
from core.model.retention import Keep, Retention
from core.model.states import State
from tests.conformance.clock import FakeClock

from .conftest import Ask, MakeJob, Send

PATIENCE_S = 10
BEFORE_NOTES = 3  # migrations
WEEK = Keep(1, timedelta(days=7))
Sent = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(url: str, clock: FakeClock) -> Iterator[Backend]:
    opened = open_url(url, clock=clock)
    opened.open()
    yield opened
    opened.close()


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


@pytest.fixture
def start(store: Backend, make_job: MakeJob, send: Send) -> Callable[..., list[Claim]]:
    """So many running jobs."""

    def claim(number: int) -> list[Claim]:
        store.enqueue([make_job() for _ in range(number)])
        claims = list(send(want=number).claims)
        assert len(claims) == number
        return claims

    return claim


def notes_of(claims: Sequence[Claim], **fields: bytes) -> list[Note]:
    return [Note(claim.raw, claim.token, **fields) for claim in claims]


def ends(claims: Sequence[Claim], state: State) -> list[Outcome]:
    return [Outcome(claim.raw, claim.token, state) for claim in claims]


# Cost


def test_jobs_without_notes_ask_for_none(store: Backend, start, send: Send, sent: Sent, schema: str):
    claims = start(10)
    store.note("mail", notes_of(start(1), checkpoint=b"\x01"))  # another's, meanwhile
    statements = sent(lambda: send(ends(claims, State.COMPLETED), want=10))
    assert not [text for text in statements if f"{schema}.note" in text]


def test_a_batch_with_notes_costs_two_statements_more(store: Backend, start, send: Send, sent: Sent, schema: str):
    claims = start(20)
    store.note("mail", notes_of(claims, checkpoint=b"\x01"))
    again: list[Claim] = []
    outcomes = ends(claims[:10], State.COMPLETED) + ends(claims[10:], State.PENDING)
    statements = sent(lambda: again.extend(send(outcomes, want=10).claims))
    assert [claim.checkpoint for claim in again] == [b"\x01"] * 10
    assert sum(f"{schema}.note" in text for text in statements) == 2


def test_notes_of_many_jobs_are_one_statement(store: Backend, start, sent: Sent, schema: str):
    claims = start(40)
    statements = sent(lambda: store.note("mail", notes_of(claims, progress=b"\x01", log=b"x")))
    assert sum(f"{schema}.note" in text for text in statements) == 1
    assert len(statements) <= 5, statements


def test_only_the_first_note_writes_the_jobs_row_and_none_of_its_indexes(store: Backend, start, ask: Ask, schema: str):
    claims = start(5)
    settled = counted(ask, schema)
    for number in range(20):
        assert store.note("mail", notes_of(claims, progress=bytes([number]))) == []
    store.close()  # its sessions tell what they counted when they end
    until = time.monotonic() + PATIENCE_S
    while counted(ask, schema)["note"][0] < 5 * 19 and time.monotonic() < until:
        time.sleep(0.05)
    after = counted(ask, schema)
    assert after["job"][1] - settled["job"][1] >= 5  # HOT
    assert after["job"][0] - after["job"][1] == 5  # and by indexes only the claims, which change the state
    assert after["job"][0] == 5 + 5
    assert after["note"] == (5 * 19, 5 * 19)


def counted(ask: Ask, schema: str) -> dict[str, tuple[int, int]]:
    """Updates of tables, and those of them that were HOT."""
    rows = ask(
        "SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = %s"
        " AND relname IN ('job', 'note')",
        schema,
    )
    return {name: (updates, hot) for name, updates, hot in rows}


def test_progress_leaves_a_long_log_where_it_lies(store: Backend, start, ask: Ask, schema: str):
    claims = start(1)
    store.note("mail", notes_of(claims, log=noise(64 << 10)))
    [[table]] = ask("SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = %s::regclass", f"{schema}.note")
    chunks = f"SELECT DISTINCT chunk_id FROM {table}"
    before = ask(chunks)
    for number in range(5):
        store.note("mail", notes_of(claims, progress=bytes([number])))
    assert ask(chunks) == before
    assert len(before) == 1
    store.note("mail", notes_of(claims, log=noise(32 << 10)))
    assert ask(chunks) != before


def noise(length: int) -> bytes:
    """Bytes that nothing makes shorter, the same ones each time."""
    value, made = 1, bytearray()
    while len(made) < length:
        value = value * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        made += (value >> 32).to_bytes(4, "big")
    return bytes(made)


@pytest.mark.parametrize("name", ["note", "note_checkpoints", "note_close", "note_forget", "get"])
def test_a_statement_finds_notes_by_their_index(store: Backend, ask: Ask, schema: str, name: str):
    ask(f"INSERT INTO {schema}.queue (name) VALUES ('mail')")
    ask(f"""INSERT INTO {schema}.job (queue, raw, state, score, task, arguments, options, priority, max_attempts,
                                      enqueued_ms, ready_ms, unique_key, token, has_note)
            SELECT 1, int8send(n), 3, n, 'shop.send', '\\x80', '', 0, 4, 0, 0, '', n, n %% 2 = 0
            FROM generate_series(1, 20000) AS n""")
    ask(f"INSERT INTO {schema}.note SELECT 1, int8send(n), NULL, '\\x01', NULL FROM generate_series(2, 20000, 2) AS n")
    ask(f"ANALYZE {schema}.job")
    ask(f"ANALYZE {schema}.note")
    raws = [number.to_bytes(8, "big") for number in range(10, 20)]
    values = {"queue": 1, "raw": raws, "names": ["mail"] * 10, "oldest": 0, "token": list(range(10, 20))}
    values |= {"progress": [b"x"] * 10, "checkpoint": [None] * 10, "log": [None] * 10}
    assert isinstance(store, PostgresBackend)
    opened = store._open_database()
    rows = opened.alone(lambda db: db.execute(f"EXPLAIN {opened.sql[name]}", values).fetchall())
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on note" not in plan, plan
    assert "Seq Scan on job" not in plan, plan
    assert "note_pkey" in plan, plan


# What is left behind


@pytest.fixture
def pair(store: Backend, start, ask: Ask, schema: str) -> Iterator[list[Claim]]:
    """Two running jobs with notes; at the end the notes and the jobs fit together."""
    claims = start(2)
    store.note("mail", notes_of(claims, progress=b"\x01", log=b"x"))
    yield claims
    jobs = f"SELECT raw FROM {schema}.job WHERE has_note UNION ALL SELECT raw FROM {schema}.finished WHERE has_note"
    assert sorted(ask(jobs)) == sorted(noted(ask, schema))


def noted(ask: Ask, schema: str) -> list[tuple[bytes]]:
    return ask(f"SELECT raw FROM {schema}.note ORDER BY raw")


RESTING = [State.PENDING, State.SCHEDULED, State.HELD, State.FAILED, State.COMPLETED, State.DEAD, State.CANCELLED]


@pytest.mark.parametrize("state", RESTING)
def test_who_is_purged_takes_its_note_along_and_nobody_elses(
    store: Backend, pair: list[Claim], send: Send, clock: FakeClock, ask: Ask, schema: str, state: State
):
    gone, stays = pair
    send([Outcome(gone.raw, gone.token, state, delay_ms=1_000)])
    clock.move(1)
    assert store.purge("mail", state, clock.now_ms(), 10) == 1
    assert noted(ask, schema) == [(stays.raw,)]


@pytest.mark.parametrize("state", RESTING)
def test_who_is_withdrawn_takes_its_note_along(
    store: Backend, pair: list[Claim], send: Send, ask: Ask, schema: str, state: State
):
    gone, stays = pair
    send([Outcome(gone.raw, gone.token, state, delay_ms=1_000)])
    [job] = store.get([gone.ref])
    assert job is not None
    assert store.withdraw("mail", [(gone.raw, state, job.score)]) == 1
    assert noted(ask, schema) == [(stays.raw,)]


@pytest.mark.parametrize("state", [State.COMPLETED, State.DEAD, State.CANCELLED])
@pytest.mark.parametrize("days", [0, 8], ids=["by number", "by age"])
def test_who_is_trimmed_takes_its_note_along(
    store: Backend, pair: list[Claim], send: Send, clock: FakeClock, ask: Ask, schema: str, state: State, days: int
):
    gone, stays = pair
    send(ends([gone], state))
    clock.move(days * DAY_MS + 1)
    send(ends([stays], state))
    assert store.trim("mail", Retention(completed=WEEK, dead=WEEK, cancelled=WEEK), 10) == 1
    assert noted(ask, schema) == [(stays.raw,)]


def test_a_completed_job_too_many_is_trimmed_by_an_exchange_with_its_note(
    store: Backend, pair: list[Claim], clock: FakeClock, ask: Ask, schema: str
):
    for call, claim in enumerate(pair, 1):
        clock.move(1)
        outcomes = ends([claim], State.COMPLETED)
        store.exchange(Exchange(queue="mail", worker="v", call=call, outcomes=outcomes, keep_completed=1))
    assert noted(ask, schema) == [(pair[1].raw,)]


def test_a_day_that_is_dropped_leaves_no_note_behind(
    store: Backend, pair: list[Claim], send: Send, clock: FakeClock, ask: Ask, schema: str
):
    days = f"SELECT relname FROM pg_class WHERE relname LIKE 'finished_2%%' AND relnamespace = '{schema}'::regnamespace"
    send(ends(pair, State.COMPLETED))
    first = min(ask(days))
    clock.move(9 * DAY_MS)
    assert store.trim("mail", Retention(), 10) == 2
    clock.move(DAY_MS)
    store.trim("mail", Retention(), 10)
    assert first not in ask(days)
    assert noted(ask, schema) == []


# A store of before notes


@pytest.fixture
def running(postgres_server: str, schema: str, clock: FakeClock) -> bytes:
    """A job that ran, and was lost once, when the schema was that of before notes."""
    sql, raw = Statements(schema), new_raw()
    with psycopg.connect(postgres_server, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {schema}")
        for step in sql.migrations()[:BEFORE_NOTES]:
            db.execute(step.text)
        db.execute(sql["store_add"], {"id": "a" * 32, "format": 1, "now": clock.now_ms()})
        db.execute(sql["store_upgrade"], {"migration": BEFORE_NOTES})
        db.execute(f"INSERT INTO {schema}.queue (name, is_known) VALUES ('mail', true)")
        db.execute(
            f"""INSERT INTO {schema}.job (queue, raw, state, score, task, arguments, options, priority, max_attempts,
                                          enqueued_ms, ready_ms, unique_key, attempts, forgiven, losses, token, worker)
                VALUES (1, %s, 3, 0, 'shop.send', '\\x80', '', 0, 4, 0, 0, '', 2, 1, 1, 7, 'w')""",
            (raw,),
        )
    return raw


def test_what_ran_before_an_upgrade_can_note_and_crash_after_it(running: bytes, store: Backend, send: Send):
    assert store.note("mail", [Note(running, 7, checkpoint=b"\x05")]) == []
    crashed = Outcome(running, 7, State.PENDING, charge=Charge.CRASHED)
    [claim] = send([crashed], want=1).claims
    assert (claim.checkpoint, claim.losses, claim.crashes, claim.attempts) == (b"\x05", 2, 1, 3)
    [job] = store.get([JobRef("mail", running)])
    assert job is not None
    assert (job.crashes, job.checkpoint) == (1, b"\x05")
