"""A power cut at any moment: of what was not synced nothing, all or any sectors survive, and the server recovers."""

import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import psycopg
import pytest

from core.backends.postgres.backend import open_url
from tests.conformance.invariants import assert_consistent
from tests.power.cuts import RecordedPostgres, lay_out_postgres, often, seeded
from tests.power.disk import Luck, Recording
from tests.power.workload import Losses, Promise, losses, work_on

CUTS = often(4)  # a recovery takes half a second

pytestmark = pytest.mark.serial


def write(folder: Path, chance: random.Random, **options: str) -> tuple[Recording, list[Promise]]:
    """What a server wrote, with a checkpoint in the middle of it, and what it had promised."""
    promises: list[Promise] = []
    with RecordedPostgres(folder, **options) as server:
        store = open_url(server.url)
        store.open()
        work_on(store, promises.append, chance, rounds=40)
        with psycopg.connect(server.url, autocommit=True) as db:
            db.execute("CHECKPOINT")
        work_on(store, promises.append, chance, rounds=80, worker="second")
        server.kill()
        store.close()
        return server.recording(), promises


def cuts(recording: Recording, promises: list[Promise], chance: random.Random) -> Iterator[tuple[int, Luck, Losses]]:
    """After each of several cuts, on a server that recovered and was checked: when it was, and the losses.

    The first comes right after the newest promise, when nothing unsynced survives: the others may all fall into the
    checkpoint, which takes longer than the rest.
    """
    until_ns = promises[-1].at_ns
    moments = [until_ns, *recording.moments(chance, CUTS, since_ns=promises[0].at_ns, until_ns=until_ns)]
    for at_ns, luck in zip(moments, cycle(Luck), strict=False):
        with lay_out_postgres(recording, at_ns, luck, chance) as server:
            store = open_url(server.url)
            store.open()
            assert_consistent(store)
            yield at_ns, luck, losses(store, promises, at_ns)
            store.close()


def test_with_synchronous_commit_on_nothing_that_was_acknowledged_is_lost(tmp_path: Path):
    chance = seeded()
    recording, promises = write(tmp_path, chance)
    for _, luck, lost in cuts(recording, promises, chance):
        assert not lost, f"{luck}: {lost}"


def test_with_synchronous_commit_off_only_what_came_after_the_third_last_sync_is_lost(tmp_path: Path):
    """PostgreSQL promises three times wal_writer_delay, which is 0.2 s: a writer's round may leave the last page."""
    chance = seeded()
    recording, promises = write(tmp_path, chance, synchronous_commit="off")
    found = []
    for at_ns, luck, lost in cuts(recording, promises, chance):
        found.append(lost)
        assert at_ns - lost.age_s * 1e9 >= recording.safe_until(at_ns, "pg_wal/", newest=3), f"{luck}: {lost}"
    print(f"synchronous_commit=off: at worst {max(found, key=lambda lost: lost.age_s)}")
    assert any(found), "nothing was ever lost: this test would not notice"
