"""Unique keys that are held for a time: dropped when it is over, and never when somebody else has them."""

import pytest
import redis

from core.backends.redis.backend import RedisBackend
from core.model.job import Unique
from core.model.retention import Retention
from core.model.states import State
from tests.conformance.clock import FakeClock

from .conftest import Opener, job, work

HELD = "jobs:{mail}:unique"
ENDS = "jobs:{mail}:unique:ends"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timed(form: str, open_store: Opener, raw_client: redis.Redis, redis_server: str, clock: FakeClock) -> RedisBackend:
    return open_store(redis_server, clock=clock)


def for_a_time(key: str, ms: int = 1_000):
    return job(unique_key=key, unique=Unique.FOR_A_TIME, unique_ms=ms)


def test_trim_drops_keys_whose_time_is_over(timed: RedisBackend, clock: FakeClock, raw_client: redis.Redis):
    timed.enqueue([for_a_time(f"key:{n}", 1_000 + n) for n in range(1_200)])
    clock.move(1_599)
    timed.trim("mail", Retention(), 10)
    assert (raw_client.hlen(HELD), raw_client.zcard(ENDS)) == (700, 700)
    timed.trim("mail", Retention(), 10)
    assert (raw_client.hlen(HELD), raw_client.zcard(ENDS)) == (600, 600)
    clock.move(601)
    timed.trim("mail", Retention(), 10)
    timed.trim("mail", Retention(), 10)
    assert not raw_client.exists(HELD, ENDS)


def test_a_key_that_another_kind_took_over_is_not_dropped(timed: RedisBackend, clock: FakeClock):
    timed.enqueue([for_a_time("key")])
    clock.move(1_000)
    new = timed.enqueue([job(unique_key="key")])[0]
    assert new.created
    timed.trim("mail", Retention(), 10)
    assert timed.enqueue([job(unique_key="key")])[0].ref == new.ref


def test_a_key_taken_again_for_a_time_lasts_until_its_own_end(timed: RedisBackend, clock: FakeClock):
    timed.enqueue([for_a_time("key")])
    clock.move(1_000)
    new = timed.enqueue([for_a_time("key")])[0]
    clock.move(999)
    timed.trim("mail", Retention(), 10)
    assert timed.enqueue([for_a_time("key")])[0].ref == new.ref
    clock.move(1)
    assert timed.enqueue([for_a_time("key")])[0].created


def test_two_of_one_batch_and_a_follow_up_meet_the_same_key(timed: RedisBackend):
    first, second = timed.enqueue([for_a_time("key"), for_a_time("key")])
    assert (first.created, second.created, second.ref) == (True, False, first.ref)
    assert len(work(timed, want=5).claims) == 1


def test_a_deleted_job_still_answers_for_its_key(timed: RedisBackend, raw_client: redis.Redis):
    gone = timed.enqueue([for_a_time("key")])[0].ref
    assert timed.purge("mail", State.PENDING, 4_000_000_000_000, 10) == 1
    again = timed.enqueue([for_a_time("key")])[0]
    assert (again.created, again.ref) == (False, gone)
    assert raw_client.hlen("jobs:{mail}:job") == 0
