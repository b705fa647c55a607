"""A store that an older version filled: nothing is converted, everything is still there and works."""

import json
from pathlib import Path

import pytest
import redis

from core.backends.contract import Exchange, PageQuery
from core.backends.redis.backend import RedisBackend
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.job import Unique
from core.model.outcome import Outcome
from core.model.states import FINAL, State, Verb
from tests.conformance.clock import FakeClock

from .conftest import Opener, end, job, work

# Written by the version before gates and kinds of unique keys: a job in every state, each with the key `key:<state>`,
# and one that was given back; the running one was asked to stop. Keys of Redis by name, in hexadecimal.
OLDER = json.loads((Path(__file__).parent / "store_before_gates.json").read_text())
WRITTEN_MS = 1_790_000_001_000
NUMBERS = {
    State.COMPLETED: 1,
    State.FAILED: 2,
    State.DEAD: 3,
    State.HELD: 4,
    State.CANCELLED: 5,
    State.RUNNING: 6,
    State.PENDING: 8,
    State.SCHEDULED: 9,
}
IDS = {state: number.to_bytes(8, "big") + b"\x00older" for state, number in NUMBERS.items()}
GIVEN_BACK = (7).to_bytes(8, "big") + b"\x00older"


@pytest.fixture
def older(open_store: Opener, raw_client: redis.Redis, redis_server: str) -> RedisBackend:
    for name, content in OLDER.items():
        [(kind, items)] = content.items()
        for item in items:
            _write(raw_client, name, kind, item)
    return open_store(redis_server, clock=FakeClock(WRITTEN_MS))


def _write(client: redis.Redis, name: str, kind: str, item: list | str) -> None:
    if kind == "hash":
        client.hset(name, bytes.fromhex(item[0]), bytes.fromhex(item[1]))
    elif kind == "zset":
        client.zadd(name, {bytes.fromhex(item[0]): item[1]})
    elif kind == "stream":
        client.xadd(name, {"l": bytes.fromhex(item[1])}, id=item[0])
    else:
        client.sadd(name, bytes.fromhex(item))


def test_every_job_is_where_it_was(older: RedisBackend):
    for state in State:
        [found] = older.get([JobRef("mail", IDS[state])])
        assert found is not None
        assert (found.state, found.unique_key) == (state, f"key:{state}")
        assert (found.unique, found.gate, found.held_at) == (Unique.UNTIL_FINISHED, None, "")
    [counts] = older.counts()
    assert counts.states == {state: 2 if state is State.PENDING else 1 for state in State}
    assert (counts.processed, counts.failures, counts.awaited) == (4, 2, [])


def test_what_attempts_left_is_still_there(older: RedisBackend):
    found = older.get([JobRef("mail", IDS[state]) for state in (State.COMPLETED, State.DEAD, State.HELD)])
    done, dead, held = (whole for whole in found if whole is not None)
    assert (done.result, done.lines) == (b"\xa2ok", (b"\xa1l",))
    assert (dead.error, dead.attempts) == (b"\x93\xa1E\xa1m\xa1t", 1)
    assert (held.reason, held.arguments, held.options) == ("why", b"\x81\xa2to\xa3ann", b"\x81\xa1t\x05")


def test_keys_are_held_by_those_who_held_them(older: RedisBackend):
    for state in State:
        [receipt] = older.enqueue([job(unique_key=f"key:{state}")])
        assert receipt.created is (state in FINAL)
        if not receipt.created:
            assert receipt.ref.raw == IDS[state]


def test_a_running_job_is_settled_and_asked_to_stop(older: RedisBackend):
    [running] = older.get([JobRef("mail", IDS[State.RUNNING])])
    assert running is not None
    assert running.cancel_asked
    outcome = Outcome(running.ref.raw, running.token, State.FAILED)
    reply = older.exchange(Exchange(queue="mail", worker=running.worker, call=99, outcomes=[outcome]))
    assert reply.refused == []
    [settled] = older.get([running.ref])
    assert settled is not None
    assert (settled.state, settled.reason) == (State.CANCELLED, "cancelled while running")
    assert older.enqueue([job(unique_key="key:running")])[0].created


def test_old_and_new_jobs_are_claimed_side_by_side(older: RedisBackend):
    gate = Gate("limit:shop.send", limit=1)
    older.enqueue([job(gate=gate), job(gate=gate)])
    reply = work(older, want=10)
    assert [claim.raw for claim in reply.claims[:2]] == [GIVEN_BACK, IDS[State.PENDING]]
    assert len(reply.claims) == 3
    work(older, *(end(claim, State.COMPLETED) for claim in reply.claims))
    assert older.enqueue([job(unique_key="key:pending")])[0].created
    assert len(work(older, want=10).claims) == 2


def test_operators_act_on_what_is_old(older: RedisBackend):
    for state in (State.HELD, State.FAILED, State.DEAD, State.CANCELLED, State.SCHEDULED):
        [acted] = older.act(Verb.RETRY, "mail", [IDS[state]], f"retry {state}")
        assert (acted.applied, acted.after) == (True, State.PENDING)
    found = older.page(PageQuery(state=State.PENDING, having=(b"ann",))).jobs
    retried = {IDS[state] for state in (State.HELD, State.FAILED, State.DEAD, State.CANCELLED)}
    assert {row.ref.raw for row in found} == {GIVEN_BACK, *retried}
