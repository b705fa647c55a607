"""A server that is killed or whose disk is full: what its append-only file keeps, and what goes without one."""

import random
import resource
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from core.backends.redis.backend import RedisBackend
from core.errors import StoreUnavailable
from core.model.ident import JobRef
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


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[RedisServer]:
    """A server with an append-only file, for which a bound to the size of files is a full disk and not a signal."""
    server = RedisServer(appendonly="yes", appendfsync="everysec")
    script = tmp_path / "deaf-to-sigxfsz"
    script.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {shlex.quote(str(server._program))} \"$@\"\n")
    script.chmod(0o700)
    server._program = script
    with server:
        yield server


def bound_files(server: RedisServer, size: int) -> None:
    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def enqueue_until_refused(store: RedisBackend, kept: list[JobRef]) -> None:
    for _ in range(100):
        kept += [receipt.ref for receipt in store.enqueue([job()])]


def test_a_full_disk_makes_writes_wait_and_loses_nothing(writing: RedisServer, open_store: Opener):
    store = open_store(writing.url)
    kept = [receipt.ref for receipt in store.enqueue([job() for _ in range(20)])]
    [file] = (writing.folder / "appendonlydir").glob("*.incr.aof")
    bound_files(writing, file.stat().st_size + 1_000)
    with pytest.raises(StoreUnavailable, match="takes no writes now"):
        enqueue_until_refused(store, kept)
    assert store.counts()[0].states[State.PENDING] == len(kept)
    bound_files(writing, resource.RLIM_INFINITY)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            kept += [receipt.ref for receipt in store.enqueue([job()])]
            break
        except StoreUnavailable:
            assert time.monotonic() < until
            time.sleep(0.05)
    wait_until_written(writing)
    writing.kill()
    writing.start()
    assert all(store.get(kept))
    assert_consistent(store)
