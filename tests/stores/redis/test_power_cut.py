"""A power cut at any moment: the append-only file ends at its last sync, or after it, even within an entry."""

import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
import redis

from core.backends.redis.backend import RedisBackend
from tests.conformance.invariants import assert_consistent
from tests.power.cuts import RecordedRedis, often, seeded
from tests.power.disk import Luck, Recording
from tests.power.workload import Losses, Promise, losses, work_on
from tests.servers import RedisServer

from .conftest import job, work

LUCKS = (Luck.NOTHING, Luck.TORN, Luck.TORN, Luck.ALL)  # a file that was added to ends earlier; it has no holes
AOF = ".aof"  # in the names of its files, of Redis 6.2 and of 7
CUTS = often(8)
LONGEST_S = 2.0  # that Redis lets pass between two syncs, with everysec

pytestmark = pytest.mark.serial


def write(
    folder: Path, chance: random.Random, *, rounds: int, pause_s: float, appendfsync: str
) -> tuple[Recording, list[Promise]]:
    """What a server wrote, with "always" its file anew in the middle of it, and what it had promised."""
    promises: list[Promise] = []
    with RecordedRedis(folder, appendonly="yes", appendfsync=appendfsync) as server:
        store = RedisBackend(server.url)
        store.open()
        work_on(store, promises.append, chance, rounds=rounds // 2, pause_s=pause_s)
        if appendfsync == "always":
            rewrite(server)
        work_on(store, promises.append, chance, rounds=rounds // 2, pause_s=pause_s, worker="second")
        server.kill()
        store.close()
        return server.recording(), promises


def rewrite(server: RedisServer) -> None:
    """Begin to: a child of the server writes a new file while it goes on."""
    with redis.Redis.from_url(server.url) as client:
        client.bgrewriteaof()


def cuts(
    recording: Recording, promises: list[Promise], chance: random.Random
) -> Iterator[tuple[int, Luck, RedisBackend, Losses]]:
    """After each of several cuts: when it was, the store that a new server found and that was checked, its losses."""
    moments = recording.moments(chance, CUTS, since_ns=promises[0].at_ns, until_ns=promises[-1].at_ns)
    for at_ns, luck in zip(moments, cycle(LUCKS), strict=False):
        server = RedisServer(appendonly="yes")
        recording.cut(at_ns, server.folder, luck, chance)
        with server:
            store = RedisBackend(server.url)
            store.open()
            assert_consistent(store)
            yield at_ns, luck, store, losses(store, promises, at_ns)
            store.close()


def test_with_appendfsync_always_nothing_that_was_acknowledged_is_lost(tmp_path: Path):
    chance = seeded()
    recording, promises = write(tmp_path, chance, rounds=150, pause_s=0, appendfsync="always")
    for _, luck, store, lost in cuts(recording, promises, chance):
        assert not lost, f"{luck}: {lost}"
        store.enqueue([job()])
        assert work(store, want=1).claims


def test_with_appendfsync_everysec_only_what_came_after_the_last_sync_but_one_is_lost(tmp_path: Path):
    """But one: Redis answers at once, and lets the write wait for a sync that it has asked for already."""
    chance = seeded()
    recording, promises = write(tmp_path, chance, rounds=300, pause_s=0.01, appendfsync="everysec")
    found = []
    for at_ns, luck, _, lost in cuts(recording, promises, chance):
        found.append(lost)
        assert at_ns - lost.age_s * 1e9 >= recording.safe_until(at_ns, AOF, newest=2), f"{luck}: {lost}"
    worst = max(found, key=lambda lost: lost.age_s)
    began_ns, lasted_s = promises[0].at_ns, (promises[-1].at_ns - promises[0].at_ns) / 1e9
    syncs = sum(one.kind == "sync" and AOF in one.path and one.at_ns > began_ns for one in recording.events)
    print(f"appendfsync=everysec: {syncs} syncs in {lasted_s:.1f} s; at worst {worst}")
    assert worst, "nothing was ever lost: this test would not notice"
    assert syncs >= lasted_s / LONGEST_S - 1


def test_what_a_cut_lost_is_brought_back_by_sending_it_again(tmp_path: Path):
    chance = seeded()
    recording, promises = write(tmp_path, chance, rounds=60, pause_s=0, appendfsync="everysec")
    at_ns = promises[-1].at_ns
    jobs = [raw for promise in promises if promise.state == "pending" for raw in promise.raws]
    server = RedisServer(appendonly="yes")
    recording.cut(at_ns, server.folder, Luck.NOTHING, chance)
    with server:
        store = RedisBackend(server.url)
        store.open()
        lost = losses(store, promises, at_ns)
        receipts = store.enqueue([job(raw=raw) for raw in jobs])
        assert sum(receipt.created for receipt in receipts) == lost.jobs > 0
        assert_consistent(store)
        store.close()
