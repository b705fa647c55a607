"""A server that is killed: with an append-only file nothing is lost, without one all since the last snapshot."""

import random
import time

import pytest
import redis

from core.backends.redis.backend import RedisBackend
from core.model.states import State
from tests.conformance.invariants import assert_consistent
from tests.power.workload import Promise, losses, work_on
from tests.servers import RedisServer

from .conftest import Opener, job

PATIENCE_S = 20


def wait_until_written(server: RedisServer) -> None:
    """An entry that comes while a sync is under way waits for it inside the server, with everysec."""
    with redis.Redis.from_url(server.url) as client:
        until = time.monotonic() + PATIENCE_S
        while client.info("persistence")["aof_buffer_length"]:
            assert time.monotonic() < until


@pytest.mark.parametrize("appendfsync", ["always", "everysec", "no"])
def test_a_killed_server_with_an_append_only_file_loses_nothing(open_store: Opener, appendfsync: str):
    promises: list[Promise] = []
    with RedisServer(appendonly="yes", appendfsync=appendfsync) as server:
        store = open_store(server.url)
        work_on(store, promises.append, random.Random(7), rounds=100)
        wait_until_written(server)
        server.kill()
        server.start()
        assert not losses(store, promises, time.monotonic_ns())
        assert_consistent(store)


def test_a_killed_server_without_one_loses_everything_since_its_last_snapshot(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    kept = [receipt.ref for receipt in store.enqueue([job() for _ in range(20)])]
    with redis.Redis.from_url(server.url) as client:
        client.save()
    lost = [receipt.ref for receipt in store.enqueue([job() for _ in range(30)])]
    made = store.store_id
    server.kill()
    server.start()
    assert all(store.get(kept))
    assert not any(store.get(lost))
    assert (store.counts()[0].states[State.PENDING], store.store_id) == (20, made)
    assert_consistent(store)


def test_a_job_whose_completion_was_lost_runs_again(server: RedisServer, open_store: Opener):
    """The price of a lossy setting: at least once still holds for what the snapshot knew, exactly once for nothing."""
    store: RedisBackend = open_store(server.url)
    [receipt] = store.enqueue([job()])
    with redis.Redis.from_url(server.url) as client:
        client.save()
    promises: list[Promise] = []
    work_on(store, promises.append, random.Random(1), rounds=3)
    assert any(receipt.ref.raw in promise.raws for promise in promises if promise.state == State.COMPLETED)
    server.kill()
    server.start()
    [again] = store.get([receipt.ref])
    assert again is not None
    assert again.state is State.PENDING
