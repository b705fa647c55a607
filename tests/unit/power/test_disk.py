"""The disk after a cut, from a record made by hand: what was synced survives any luck, the rest in the manner of it."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.power.disk import SECTOR, Luck, Recording
from tests.power.record import Event

OLD, NEW = b"o" * 4 * SECTOR, b"n" * 4 * SECTOR
Cut = Callable[..., dict[str, bytes]]


def write(path: str, data: bytes, offset: int = 0) -> tuple[str, str, int, bytes]:
    return "write", path, offset, data


def sync(path: str) -> list[tuple[str, str, int, bytes]]:
    return [("sync_begun", path, 0, b""), ("sync", path, 0, b"")]


@pytest.fixture
def cut(tmp_path: Path) -> Cut:
    """The files that are left of a folder after some events and a cut."""
    count = iter(range(1_000))

    def lay_out(*happened: tuple[str, str, int, bytes], luck: Luck, seed: int = 0) -> dict[str, bytes]:
        events = [Event(at_ns, kind, path, offset, data) for at_ns, (kind, path, offset, data) in enumerate(happened)]
        folder = tmp_path / str(next(count))
        Recording(events).cut(len(events), folder, luck, random.Random(seed))
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    return lay_out


@pytest.mark.parametrize("luck", Luck)
def test_what_was_synced_survives(cut: Cut, luck: Luck):
    assert cut(write("a", OLD), *sync("a"), luck=luck) == {"a": OLD}


def test_without_luck_nothing_else_does(cut: Cut):
    happened = [write("a", OLD), *sync("a"), write("a", NEW), write("b", NEW)]
    assert cut(*happened, luck=Luck.NOTHING) == {"a": OLD}
    assert cut(*happened, luck=Luck.ALL) == {"a": NEW, "b": NEW}


def test_a_write_that_came_after_the_sync_began_is_not_made_safe_by_it(cut: Cut):
    began, ended = sync("a")
    assert cut(write("a", OLD), began, write("a", NEW), ended, luck=Luck.NOTHING) == {"a": OLD}


def test_of_torn_writes_the_first_survive_and_one_in_part(cut: Cut):
    happened = [write("a", OLD), *sync("a"), *(write("a", NEW, (4 + 4 * n) * SECTOR) for n in range(5))]
    left = {cut(*happened, luck=Luck.TORN, seed=seed)["a"] for seed in range(40)}
    assert all((OLD + 5 * NEW).startswith(content) for content in left)
    assert any(len(content) % SECTOR for content in left)


def test_of_scattered_writes_each_sector_is_old_or_new(cut: Cut):
    happened = [write("a", OLD), *sync("a"), write("a", NEW)]
    left = {cut(*happened, luck=Luck.SCATTERED, seed=seed)["a"] for seed in range(40)}
    assert len(left) > 5
    sectors = {content[start : start + SECTOR] for content in left for start in range(0, len(OLD), SECTOR)}
    assert sectors == {OLD[:SECTOR], NEW[:SECTOR]}


def test_a_file_may_shrink_and_grow(cut: Cut):
    happened = [write("a", OLD), ("size", "a", 2, b""), write("a", b"x", 4), *sync("a")]
    assert cut(*happened, luck=Luck.NOTHING) == {"a": b"oo\0\0x"}


def test_names_are_safe_after_a_sync_of_any_file_and_change_in_order(cut: Cut):
    happened = [write("new", NEW), *sync("new"), ("renamed", "new", 0, b"file"), ("made", "other", 0, b"")]
    assert cut(*happened, luck=Luck.NOTHING) == {"new": NEW}
    assert cut(*happened, *sync(""), luck=Luck.NOTHING) == {"file": NEW, "other": b""}
    left = [set(cut(*happened, luck=Luck.TORN, seed=seed)) for seed in range(20)]
    assert {"new", "other"} not in left
    assert {"file"} in left


def test_moments_lie_in_the_stretch_that_was_asked_for():
    events = [Event(at_ns, "write", "a", 0, b"x") for at_ns in range(0, 1_000, 10)]
    found = Recording(events).moments(random.Random(1), 50, since_ns=200, until_ns=400)
    assert len(found) == 50
    assert found == sorted(found)
    assert 200 <= found[0] <= found[-1] <= 400


def test_safe_until_is_when_the_last_sync_began_that_had_ended():
    record = [*sync("wal"), *sync("data"), *sync("wal"), ("sync_begun", "wal", 0, b"")]
    events = [Event(at_ns, kind, path, 0, data) for at_ns, (kind, path, _, data) in enumerate(record)]
    recording = Recording(events)
    assert recording.safe_until(100, "wal") == 4
    assert recording.safe_until(100, "wal", newest=2) == 0
    assert recording.safe_until(4, "wal") == 0
