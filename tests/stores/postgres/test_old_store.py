"""A store of before gates, with jobs in every state, is upgraded on open: everything is there and goes on."""

from collections.abc import Iterator

import psycopg
import pytest

from core.backends.contract import Backend, Exchange
from core.backends.postgres.backend import open_url
from core.backends.postgres.partitions import make_day
from core.backends.postgres.statements import Statements
from core.backends.sql.codec import CODES
from core.model.gate import Gate
from core.model.ident import JobRef, new_raw
from core.model.job import pending_score
from core.model.outcome import Outcome
from core.model.states import FINAL, State, Verb

from .conftest import Ask, MakeJob

BEFORE_GATES = 2  # migrations
TOKEN = 7
LIVE = """
INSERT INTO {schema}.job (queue, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms,
                          ready_ms, unique_key, attempts, token, worker, claimed_ms, lease_until_ms)
VALUES (1, %s, %s, %s, 'shop.send', '\\x80', '', 0, 4, %s, %s, %s, 1, %s, 'w', %s, %s)
"""
FINISHED = """
INSERT INTO {schema}.finished (queue, raw, state, finished_ms, task, arguments, options, priority, max_attempts,
                               enqueued_ms, unique_key, attempts, forgiven, losses, operations, reason, lines)
VALUES (1, %s, %s, %s, 'shop.send', '\\x80', '', 0, 4, %s, %s, 1, 0, 0, '{{}}', '', '{{}}')
"""
COUNTED = "INSERT INTO {schema}.counter (queue, slot, {columns}) VALUES (1, 0, 1, 1, 1, 1, 1, 1, 1, 1)"


@pytest.fixture
def raws() -> dict[State, bytes]:
    """One job a state."""
    return {state: new_raw() for state in State}


@pytest.fixture
def old(postgres_server: str, schema: str, ask: Ask, raws: dict[State, bytes]) -> None:
    """As the code of that time left it: its schema, its columns."""
    sql = Statements(schema)
    [[now_ms]] = ask(sql["now"])
    with psycopg.connect(postgres_server, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {schema}")
        for step in sql.migrations()[:BEFORE_GATES]:
            db.execute(step.text)
        db.execute(sql["store_add"], {"id": "a" * 32, "format": 1, "now": now_ms})
        db.execute(sql["store_upgrade"], {"migration": BEFORE_GATES})
        make_day(db, sql, now_ms)
        db.execute(f"INSERT INTO {schema}.queue (name, is_known) VALUES ('mail', true)")
        db.execute(COUNTED.format(schema=schema, columns=", ".join(State)))
        for state, raw in raws.items():
            key = f"key-{state}"
            if state in FINAL:
                values = (raw, CODES[state], now_ms, now_ms, key)
                db.execute(FINISHED.format(schema=schema), values)
            else:
                later = now_ms + 3_600_000
                score = later if state in (State.SCHEDULED, State.FAILED) else pending_score(0, now_ms)
                score = now_ms if state is State.HELD else score
                db.execute(
                    LIVE.format(schema=schema),
                    (raw, CODES[state], score, now_ms, now_ms, key, TOKEN, now_ms, now_ms + 30_000),
                )


@pytest.fixture
def store(old: None, url: str) -> Iterator[Backend]:
    opened = open_url(url)
    opened.open()
    yield opened
    opened.close()


def refs(raws: dict[State, bytes]) -> list[JobRef]:
    return [JobRef("mail", raw) for raw in raws.values()]


def test_every_job_is_where_it_was(store: Backend, raws: dict[State, bytes]):
    found = store.get(refs(raws))
    assert [job.state for job in found if job] == list(raws)
    assert {(job.unique, job.gate, job.held_at) for job in found if job} == {(0, None, "")}
    assert set(store.counts()[0].states.values()) == {1}


def test_live_jobs_keep_their_unique_keys_and_finished_ones_have_none(
    store: Backend, raws: dict[State, bytes], make_job: MakeJob
):
    for state, raw in raws.items():
        [receipt] = store.enqueue([make_job(unique_key=f"key-{state}")])
        assert receipt.created is (state in FINAL)
        assert state in FINAL or receipt.ref.raw == raw


def test_what_ran_is_settled_and_what_waited_is_claimed(store: Backend, raws: dict[State, bytes]):
    outcome = Outcome(raws[State.RUNNING], TOKEN, State.COMPLETED)
    reply = store.exchange(Exchange(queue="mail", worker="w", call=1, outcomes=[outcome], want=5))
    assert (reply.refused, [claim.raw for claim in reply.claims]) == ([], [raws[State.PENDING]])


def test_operators_reach_every_one_of_them(store: Backend, raws: dict[State, bytes]):
    acted = store.act(Verb.RETRY, "mail", list(raws.values()), "op")
    assert {one.before for one in acted if one.applied} == {
        State.SCHEDULED,
        State.HELD,
        State.FAILED,
        State.DEAD,
        State.CANCELLED,
    }
    assert store.counts()[0].states[State.PENDING] == 6


def test_gates_work_there(store: Backend, raws: dict[State, bytes], make_job: MakeJob):
    store.enqueue([make_job(gate=Gate("limit:a", limit=1)) for _ in range(3)])
    claims = store.exchange(Exchange(queue="mail", worker="w", call=1, want=9)).claims
    assert len(claims) == 2  # the old one, and the first at the gate
    info = store.gate("mail", "limit:a")
    assert info is not None
    assert (info.used, info.waiting) == (1, 2)
