"""A server that is killed or whose disk is full: what its append-only file keeps, and what goes without one."""

import random
import resource
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from core.backends.redis.backend import RedisBackend
from core.errors import StoreUnavailable
from core.model.ident import JobRef
from core.model.states import State
from tests.conformance.invariants import assert_consistent
from tests.power.workload import Promise, losses, work_on
from tests.redis_cluster import RedisCluster
from tests.servers import RedisServer

from .conftest import Opener, job

PATIENCE_S = 20


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def wait_until_written(server: RedisServer) -> None:
    """An entry that comes while a sync is under way waits for it inside the server, with everysec."""
    with redis.Redis.from_url(server.url) as client:
        wait_until(lambda: client.info("persistence")["aof_buffer_length"] == 0)


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


def test_a_killed_cluster_with_append_only_files_loses_nothing(open_store: Opener):
    with RedisCluster(appendonly="yes") as cluster:
        store = open_store(cluster.url)
        queues = {cluster.number_of(name): name for name in ("mail", "bills", "a", "b", "c")}
        refs = [receipt.ref for receipt in store.enqueue([job(name) for name in queues.values() for _ in range(20)])]
        for server in cluster.servers:
            wait_until_written(server)
            server.kill()
        for server in cluster.servers:
            server.start()
        cluster.until_whole()
        wait_until(lambda: is_there(store))
        assert len(queues) == len(cluster.servers)
        assert all(store.get(refs))
        assert_consistent(store)


def is_there(store: RedisBackend) -> bool:
    try:
        store.ping()
        store.counts()
        return True
    except StoreUnavailable:
        return False


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


Starter = Callable[[str], RedisServer]


@pytest.fixture
def start_writing(tmp_path: Path) -> Iterator[Starter]:
    """Starts a server with an append-only file, for which a bound to the size of files is a full disk, not a signal."""
    started: list[RedisServer] = []

    def start(appendfsync: str) -> RedisServer:
        server = RedisServer(appendonly="yes", appendfsync=appendfsync)
        script = tmp_path / "deaf-to-sigxfsz"
        script.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {shlex.quote(str(server._program))} \"$@\"\n")
        script.chmod(0o700)
        server._program = script
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.close()


def bound_files(server: RedisServer, size: int) -> None:
    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def takes_jobs(store: RedisBackend, kept: list[JobRef]) -> bool:
    try:
        kept += [receipt.ref for receipt in store.enqueue([job()])]
        return True
    except StoreUnavailable:
        return False


def enqueue_until_refused(store: RedisBackend, kept: list[JobRef]) -> None:
    for _ in range(100):
        kept += [receipt.ref for receipt in store.enqueue([job()])]


def leave_room_for_some(server: RedisServer) -> None:
    files = [*server.folder.glob("appendonlydir/*.incr.aof"), *server.folder.glob("appendonly.aof")]  # of 7, of 6.2
    bound_files(server, files[0].stat().st_size + 1_000)


def test_a_full_disk_makes_writes_wait_and_loses_nothing(start_writing: Starter, open_store: Opener):
    server = start_writing("everysec")
    store = open_store(server.url)
    kept = [receipt.ref for receipt in store.enqueue([job() for _ in range(20)])]
    leave_room_for_some(server)
    with pytest.raises(StoreUnavailable, match="takes no writes now"):
        enqueue_until_refused(store, kept)
    assert store.counts()[0].states[State.PENDING] == len(kept)
    bound_files(server, resource.RLIM_INFINITY)
    wait_until(lambda: takes_jobs(store, kept))
    wait_until_written(server)
    server.kill()
    server.start()
    assert all(store.get(kept))
    assert_consistent(store)


def test_a_full_disk_stops_a_server_that_syncs_always_and_loses_nothing(start_writing: Starter, open_store: Opener):
    server = start_writing("always")
    store = open_store(server.url)
    kept = [receipt.ref for receipt in store.enqueue([job() for _ in range(20)])]
    leave_room_for_some(server)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        enqueue_until_refused(store, kept)
    assert server.process is not None
    assert server.process.wait(PATIENCE_S) == 1
    server.start()
    assert all(store.get(kept))
    assert_consistent(store)
