"""What lies about is cleared away, and what was lost from an index is found again."""

from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from core.backends.contract import Exchange
from core.backends.redis.backend import RedisBackend
from core.model.retention import Keep, Retention
from core.model.states import State
from core.model.worker import WorkerInfo
from tests.conformance.clock import FakeClock

from .conftest import WORKER, Opener, end, job, work

HOUR_MS = 3_600_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timed(open_store: Opener, raw_client: redis.Redis, redis_server: str, clock: FakeClock) -> RedisBackend:
    return open_store(redis_server, clock=clock)


def test_trim_lists_a_queue_that_the_list_has_lost(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job()])
    raw_client.delete("{jobs}:queues")
    assert store.counts() == []
    store.trim("mail", Retention(), 10)
    assert [counts.queue for counts in store.counts()] == ["mail"]


def test_trim_does_not_list_a_queue_that_never_held_anything(store: RedisBackend):
    store.trim("nothing", Retention(), 10)
    assert store.counts() == []


def test_remembered_replies_of_gone_workers_are_cleared(timed: RedisBackend, clock: FakeClock, raw_client: redis.Redis):
    for number in range(250):
        timed.exchange(Exchange(queue="mail", worker=f"{number:032}", call=1))
    clock.move(HOUR_MS - 1)
    timed.exchange(Exchange(queue="mail", worker=WORKER, call=1))
    clock.move(1)
    for _ in range(20):
        timed.trim("mail", Retention(), 10)
    assert raw_client.hkeys("jobs:{mail}:replies") == [WORKER.encode()]


def test_workers_gone_for_an_hour_are_struck_with_their_replies(
    timed: RedisBackend, clock: FakeClock, raw_client: redis.Redis
):
    timed.enqueue([job()])
    timed.beat(WorkerInfo(id=WORKER))
    clock.move(HOUR_MS + 1)
    timed.exchange(Exchange(queue="mail", worker=WORKER, call=1))
    timed.trim("other", Retention(), 10)
    assert not raw_client.exists("{jobs}:workers", "{jobs}:beats")
    assert not raw_client.hlen("jobs:{mail}:replies")


def test_old_minutes_go_with_their_index(timed: RedisBackend, clock: FakeClock, raw_client: redis.Redis):
    work(timed, minutes={"a|completed": 1, "b|completed": 1})
    clock.move(48 * HOUR_MS + 60_000)
    work(timed, minutes={"a|completed": 1})
    timed.trim("mail", Retention(), 10)
    assert raw_client.hlen("jobs:{mail}:minutes") == raw_client.zcard("jobs:{mail}:minutes:index") == 1


def test_a_deleted_job_leaves_nothing(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job(unique_key=f"k{n}") for n in range(4)])
    claims = work(store, want=4).claims
    work(store, *(end(claim, State.DEAD, error=b"\xa1e", line=b"\xa1l") for claim in claims))
    keep = replace(Retention(), dead=Keep(1, timedelta(days=1)))
    assert store.trim("mail", keep, 10) == 3
    for name in ("job", "live", "end"):
        assert raw_client.hlen(f"jobs:{{mail}}:{name}") == 1
    assert not raw_client.exists("jobs:{mail}:unique", "jobs:{mail}:lease", "jobs:{mail}:asked")


def test_trim_of_thousands_goes_in_steps(store: RedisBackend):
    store.enqueue([job() for _ in range(1_500)])
    claims = work(store, want=1_500).claims
    work(store, *(end(claim, State.COMPLETED) for claim in claims))
    assert store.trim("mail", replace(Retention(), completed=Keep(100, timedelta(days=1))), 1_000) == 1_000
    assert store.counts()[0].states[State.COMPLETED] == 500


def test_purge_passes_over_thousands_that_came_later(timed: RedisBackend, clock: FakeClock):
    timed.enqueue([job(priority=50) for _ in range(600)])
    moved = clock.move(1_000)
    timed.enqueue([job(priority=100) for _ in range(700)])
    assert timed.purge("mail", State.PENDING, moved, 10_000) == 600
    assert timed.counts()[0].states[State.PENDING] == 700


def test_a_place_whose_job_was_lost_does_not_stop_the_queue(store: RedisBackend, raw_client: redis.Redis):
    lost, kept = (receipt.ref for receipt in store.enqueue([job(priority=9), job()]))
    raw_client.hdel("jobs:{mail}:job", lost.raw)
    assert [claim.ref for claim in work(store, want=2).claims] == [kept]
    assert store.get([lost]) == [None]


def test_no_key_expires_and_every_key_carries_its_queue(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job("a"), job("b")])
    work(store, want=1, queue="a")
    for key in raw_client.scan_iter():
        assert raw_client.ttl(key) == -1
        assert key.startswith((b"jobs:{a}:", b"jobs:{b}:", b"{jobs}:"))
