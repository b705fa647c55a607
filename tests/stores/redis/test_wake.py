"""Who sleeps is woken by work, by the store's end, and by nothing else."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import redis

from core.backends.redis.backend import RedisBackend
from core.model.states import State
from tests.servers import RedisServer

from .conftest import Opener, end, job, work

LONG = 30.0


def asleep(store: RedisBackend, pool: ThreadPoolExecutor, *queues: str) -> "Future[float]":
    """Somebody who waits; the answer is how long."""
    begun = threading.Event()

    def sleep() -> float:
        start = time.monotonic()
        begun.set()
        while not store.counts():
            store.wait(queues, LONG)
        return time.monotonic() - start

    future = pool.submit(sleep)
    begun.wait(5)
    return future


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as made:
        yield made


def blocked(client: redis.Redis) -> int:
    return client.info("clients")["blocked_clients"]


def until_blocked(client: redis.Redis, count: int) -> None:
    deadline = time.monotonic() + 5
    while blocked(client) != count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_enqueue_wakes_a_sleeper_of_any_of_its_queues(store: RedisBackend, raw_client: redis.Redis, pool):
    waiting = asleep(store, pool, "other", "mail")
    until_blocked(raw_client, 1)
    store.enqueue([job()])
    assert waiting.result(5) < 5


def test_a_marker_stays_while_work_is_left(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job() for _ in range(3)])
    raw_client.delete("jobs:{mail}:wake")
    work(store, want=1)
    assert raw_client.exists("jobs:{mail}:wake")
    raw_client.delete("jobs:{mail}:wake")
    work(store, want=2)
    assert not raw_client.exists("jobs:{mail}:wake")


def test_work_that_becomes_ready_in_other_ways_leaves_a_marker(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job()])
    [claim] = work(store, want=1).claims
    for bring in (
        lambda: store.release("mail", [(claim.raw, claim.token)]),
        lambda: store.resume("mail"),
    ):
        raw_client.delete("jobs:{mail}:wake")
        bring()
        assert raw_client.exists("jobs:{mail}:wake")
    [claim] = work(store, want=1).claims
    raw_client.delete("jobs:{mail}:wake")
    work(store, end(claim, State.DEAD))
    assert not raw_client.exists("jobs:{mail}:wake")
    store.act("retry", "mail", [claim.raw], "op")
    assert raw_client.exists("jobs:{mail}:wake")


def test_a_paused_queue_does_not_keep_its_workers_awake(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job()])
    store.pause("mail", "")
    raw_client.delete("jobs:{mail}:wake")
    work(store, want=1)
    assert not raw_client.exists("jobs:{mail}:wake")


def test_closing_wakes_all_sleepers_and_leaves_nothing_behind(store: RedisBackend, raw_client: redis.Redis, pool):
    sleepers = [pool.submit(store.wait, ["mail"], LONG) for _ in range(3)]
    until_blocked(raw_client, 3)
    begun = time.monotonic()
    store.close()
    for sleeper in sleepers:
        sleeper.result(5)
    assert time.monotonic() - begun < 1.5
    assert not raw_client.keys("*~*")


def test_waiting_after_the_end_returns_at_once(store: RedisBackend):
    store.close()
    begun = time.monotonic()
    store.wait(["mail"], LONG)
    assert time.monotonic() - begun < 1


def test_waiting_for_no_time_or_for_nothing_returns(store: RedisBackend):
    store.wait(["mail"], 0)
    store.wait([], 0.01)


def test_waiting_for_a_server_that_is_gone_is_a_short_sleep(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    server.stop()
    begun = time.monotonic()
    store.wait(["mail"], 1)
    assert 0.1 < time.monotonic() - begun < 3
    server.start()


def test_sleeping_takes_no_connection_from_commands(
    redis_server: str, raw_client: redis.Redis, open_store: Opener, pool
):
    store = open_store(redis_server, max_connections=1)
    sleepers = [pool.submit(store.wait, ["mail"], LONG) for _ in range(3)]
    until_blocked(raw_client, 3)
    assert store.enqueue([job("other")])[0].created
    store.close()
    for sleeper in sleepers:
        sleeper.result(5)
