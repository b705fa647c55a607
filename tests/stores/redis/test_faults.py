"""A server that is full, gone, back, read-only, silent or strange: typed errors, nothing lost, work goes on."""

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from redis.exceptions import (
    BusyLoadingError,
    MovedError,
    NoPermissionError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from core.backends.contract import Exchange, PageQuery
from core.backends.redis.backend import RedisBackend
from core.backends.redis.faults import store_error
from core.errors import StoreError, StoreFull, StoreUnavailable
from core.model.job import NewJob
from core.model.retention import Keep, Retention
from core.model.states import State
from tests.servers import RedisServer

from .conftest import WORKER, Opener, end, job, work

LARGE = b"\xc6\x00\x03\xf0\x00" + bytes(0x3F000)  # MessagePack of 252 KiB


@pytest.fixture
def full(form: str, server: RedisServer, open_store: Opener) -> RedisBackend:
    """A store whose server has no room left; it holds 20 pending jobs and one scheduled and due."""
    store = open_store(server.url)
    store.enqueue([job() for _ in range(20)])
    store.enqueue([job(delay_ms=1)])
    with redis.Redis.from_url(server.url) as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used // 2)
    return store


def test_a_full_store_refuses_new_jobs(full: RedisBackend):
    with pytest.raises(StoreFull, match="maxmemory"):
        full.enqueue([job()])


def test_a_full_store_refuses_a_batch_whole(full: RedisBackend):
    with pytest.raises(StoreFull):
        full.enqueue([job() for _ in range(50)])
    assert full.counts()[0].states[State.PENDING] == 20


def test_a_full_store_refuses_jobs_of_a_queue_that_it_never_saw(full: RedisBackend):
    with pytest.raises(StoreFull):
        full.enqueue([job("new")])


def test_a_full_store_goes_on_working_what_it_holds(full: RedisBackend):
    claims = work(full, want=50).claims
    assert len(claims) == 21
    follow_up = job()
    outcomes = [end(claim, State.COMPLETED, result=b"\xc0", line=b"\xa1l", stream="completed") for claim in claims]
    last = claims[-1]
    outcomes[-1] = end(last, State.FAILED, error=b"\xa1e", line=b"\xa1l", stream="failures", then=(follow_up,))
    reply = work(full, *outcomes, want=5, minutes={"shop.send|completed": 20})
    assert reply.refused == []
    assert [claim.raw for claim in reply.claims] == [last.raw, follow_up.raw]
    assert full.counts()[0].processed == 21


def test_a_full_store_answers_operators_and_keepers(full: RedisBackend):
    [claim] = work(full, want=1).claims
    assert full.renew("mail", [(claim.raw, claim.token)], 60_000) == []
    full.pause("mail", "full")
    full.resume("mail")
    [acted] = full.act("cancel", "mail", [claim.raw], "op")
    assert acted.applied
    assert len(full.page(PageQuery(state=State.PENDING)).jobs) == 20
    assert full.purge("mail", State.PENDING, 4_000_000_000_000, 5) == 5


def test_a_full_store_can_be_trimmed_and_told_of_new_queues(full: RedisBackend):
    claims = work(full, want=20).claims
    work(full, *(end(claim, State.COMPLETED) for claim in claims))
    assert full.trim("mail", replace(Retention(), completed=Keep(5, timedelta(days=1))), 100) == 15
    full.pause("new", "not yet")
    full.put_schedule("cron", "nightly", b"spec", enabled=True)
    assert [counts.queue for counts in full.counts()] == ["cron", "mail", "new"]


def test_a_follow_up_for_elsewhere_waits_in_the_outbox_until_there_is_room(full: RedisBackend, server: RedisServer):
    [claim] = work(full, want=1).claims
    follow_up = job("other")
    assert work(full, end(claim, State.COMPLETED, then=(follow_up,))).refused == []
    assert full.get([follow_up.ref]) == [None]
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 0)
    assert full.relay("mail", 10) == 1
    assert full.get([follow_up.ref])[0] is not None


def test_a_restarted_server_is_found_again(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    store.enqueue([job()])
    server.stop()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        store.enqueue([job()])
    server.start()
    assert store.enqueue([job()])[0].created


def test_every_pooled_connection_survives_a_restart(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    store.counts()
    store.ping()
    server.stop()
    server.start()
    store.ping()
    assert store.enqueue([job()])[0].created


def test_a_server_that_kept_its_file_goes_on_where_it_was():
    with RedisServer(appendonly="yes", appendfsync="always") as server:
        store = RedisBackend(server.url)
        store.open()
        refs = [receipt.ref for receipt in store.enqueue([job() for _ in range(10)])]
        claims = work(store, want=5).claims
        made = store.store_id
        server.kill()
        server.start()
        assert work(store, *(end(claim, State.COMPLETED) for claim in claims)).refused == []
        assert store.store_id == made
        assert [stored.state for stored in store.get(refs)] == [State.COMPLETED] * 5 + [State.PENDING] * 5
        store.close()


def test_a_server_that_lost_everything_is_another_store(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    before = store.store_id
    server.stop()
    server.start()
    assert store.counts() == []
    assert store.enqueue([job()])[0].created
    assert store.store_id != before


def test_killed_connections_cost_at_most_an_error_each(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    store.enqueue([job()])
    with redis.Redis.from_url(server.url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert store.enqueue([job()])[0].created


def test_nobody_there_is_unavailable():
    backend = RedisBackend("redis://127.0.0.1:1/0")
    for act in (backend.open, backend.ping, backend.counts, lambda: backend.enqueue([job()])):
        with pytest.raises(StoreUnavailable):
            act()
    backend.close()


def test_a_replica_is_unavailable_for_writes(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    store.enqueue([job()])
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        client.config_set("replica-serve-stale-data", "yes")
        before = client.info("stats")["total_connections_received"]
        with pytest.raises(StoreUnavailable):
            store.enqueue([job()])
        assert store.counts()[0].states[State.PENDING] == 1
        after = client.info("stats")["total_connections_received"]
        assert after > before, "the next call must look for the new master"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MovedError("866 127.0.0.1:7001"), StoreError),
        (TryAgainError("Multiple keys request during rehashing of slot"), StoreUnavailable),
        (BusyLoadingError("Redis is loading the dataset in memory"), StoreUnavailable),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), StoreUnavailable),
        (ResponseError("Error running script: @user_script:5: -READONLY You can't write"), StoreUnavailable),
        (ResponseError("Error running script: -OOM command not allowed when used memory"), StoreFull),
        (NoPermissionError("this user has no permissions to run the 'evalsha' command"), StoreError),
    ],
)
def test_errors_of_the_driver_are_errors_of_the_store(error: RedisError, kind: type[StoreError]):
    assert type(store_error(error, "redis://there/0")) is kind


def test_a_wrong_password_is_unavailable_and_named():
    with RedisServer(requirepass="right") as server:
        backend = RedisBackend(server.url.replace("redis://", "redis://:wrong@"))
        with pytest.raises(StoreError, match="password"):
            backend.open()
        backend.close()
        right = RedisBackend(server.url.replace("redis://", "redis://:right@"))
        right.open()
        assert "right" not in right.url
        right.close()


def test_a_silent_server_fails_a_ping_within_two_seconds(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.ping()
        assert time.monotonic() - begun < 2.5
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    store.ping()


def test_a_silent_server_fails_a_call_when_its_time_is_over(server: RedisServer, open_store: Opener):
    store = open_store(server.url, answer_seconds=0.3)
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.counts()
        assert time.monotonic() - begun < 1.5
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert store.counts() == []


def test_a_command_that_redis_refuses_is_an_error_of_the_store(store: RedisBackend):
    with pytest.raises(StoreError):
        store.journal("mail", "failures", "no position", 10)


def test_a_lost_reply_is_answered_again(store: RedisBackend):
    store.enqueue([job() for _ in range(3)])
    call = Exchange(queue="mail", worker=WORKER, call=1_000_000, want=2)
    first, second = store.exchange(call), store.exchange(call)
    assert [claim.raw for claim in first.claims] == [claim.raw for claim in second.claims]
    assert first.claims == second.claims


def test_a_batch_of_large_jobs_goes_in_several_calls(store: RedisBackend):
    jobs: list[NewJob] = [job(arguments=LARGE) for _ in range(40)]
    assert all(receipt.created for receipt in store.enqueue(jobs))
    [stored] = store.get([jobs[-1].ref])
    assert stored is not None
    assert stored.arguments == LARGE


def test_ten_thousand_jobs_are_claimed_and_settled_in_one_call_each(store: RedisBackend):
    store.enqueue([job() for _ in range(10_000)])
    claims = work(store, want=10_000).claims
    assert len(claims) == 10_000
    reply = work(store, *(end(claim, State.COMPLETED, line=b"\xa1l", stream="completed") for claim in claims))
    assert reply.refused == []
    assert store.counts()[0].states[State.COMPLETED] == 10_000
