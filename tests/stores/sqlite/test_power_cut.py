"""A power cut at any moment: what was not synced is lost in whole or in part, and the file is opened afterwards."""

import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from core.backends.sqlite.backend import SqliteBackend
from core.errors import StoreError
from tests.conformance.invariants import assert_consistent
from tests.power.cuts import often, recorded, seeded
from tests.power.disk import Luck, Recording
from tests.power.record import read_log
from tests.power.workload import Losses, Promise, losses
from tests.power.writer import read_promises

from .conftest import MakeJob

ROOT = Path(__file__).parents[3]
NAME = "jobs.sqlite3"
ROUNDS = 120
CUTS = often(40)

pytestmark = pytest.mark.serial


@dataclass(frozen=True)
class Written:
    """What a process wrote to a store, and what the store had promised it."""

    recording: Recording
    promises: list[Promise]
    folder: Path


def write(folder: Path, chance: random.Random, synchronous: str) -> Written:
    store, log, promises = folder / "store", folder / "log", folder / "promises"
    store.mkdir()
    url = f"sqlite:///{store / NAME}?synchronous={synchronous}"
    seed = str(chance.randrange(1 << 32))
    writer = [sys.executable, "-m", "tests.power.writer", url, str(promises), seed, str(ROUNDS)]
    subprocess.run(recorded(log, store, *writer), cwd=ROOT, check=True, timeout=60)
    return Written(Recording(read_log(log)), read_promises(promises), store)


def moments(written: Written, chance: random.Random) -> list[int]:
    """From the first promise on to the end, when the log is moved into the file and deleted."""
    first, last = written.promises[0].at_ns, written.recording.events[-1].at_ns
    return written.recording.moments(chance, CUTS, since_ns=first, until_ns=last)


def cuts(
    written: Written, folder: Path, chance: random.Random, lucks: Sequence[Luck] = tuple(Luck)
) -> Iterator[tuple[Path, Losses]]:
    """The file after each of many cuts, opened and checked, and what is missing in it."""
    for number, (at_ns, luck) in enumerate(zip(moments(written, chance), cycle(lucks), strict=False)):
        left = folder / f"cut-{number}"
        written.recording.cut(at_ns, left, luck, chance)
        store = SqliteBackend(left / NAME)
        store.open()
        assert integrity(left / NAME) == "ok", f"{left.name}, {luck}"
        assert_consistent(store)
        yield left, losses(store, written.promises, at_ns)
        store.close()


def integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return str(db.execute("PRAGMA integrity_check").fetchone()[0])


def test_with_full_synchronous_nothing_that_was_acknowledged_is_lost_and_the_file_is_sound(tmp_path: Path):
    chance = seeded()
    written = write(tmp_path, chance, "FULL")
    for left, lost in cuts(written, tmp_path, chance):
        assert not lost, f"{left.name}: {lost}"


def test_with_normal_the_newest_may_be_lost_and_what_is_left_is_whole_and_without_gaps(tmp_path: Path):
    chance = seeded()
    written = write(tmp_path, chance, "NORMAL")
    found = [lost for _, lost in cuts(written, tmp_path, chance)]
    print(f"synchronous=NORMAL: at worst {max(found, key=lambda lost: lost.jobs + lost.completions)}")
    assert any(found), "nothing was ever lost: this test would not notice"


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_a_kill_loses_nothing_whatever_the_setting(tmp_path: Path, synchronous: str):
    """What was written stays in the system's hands: it is the power that must not fail."""
    chance = seeded()
    written = write(tmp_path, chance, synchronous)
    for left, lost in cuts(written, tmp_path, chance, lucks=[Luck.ALL]):
        assert not lost, f"{left.name}: {lost}"


def test_without_syncs_the_file_may_be_damaged_which_this_test_would_notice(tmp_path: Path):
    chance = seeded()
    written = write(tmp_path, chance, "OFF")
    kinds: Counter[str] = Counter()
    for number, at_ns in enumerate(moments(written, chance)):
        left = tmp_path / f"cut-{number}"
        written.recording.cut(at_ns, left, Luck.SCATTERED, chance)
        kinds[sound(left / NAME)] += 1
    print(f"synchronous=OFF: {dict(kinds)}")
    assert kinds.keys() - {"ok"}


def sound(path: Path) -> str:
    try:
        store = SqliteBackend(path)
        store.open()
        assert_consistent(store)
        store.close()
        return integrity(path)
    except (StoreError, AssertionError, sqlite3.Error, FileNotFoundError) as error:
        return type(error).__name__


def test_a_cut_while_a_store_is_made_leaves_one_that_can_be_opened_and_used(tmp_path: Path, make_job: MakeJob):
    chance = seeded()
    written = write(tmp_path, chance, "FULL")
    first, made = written.recording.events[0].at_ns, written.promises[0].at_ns
    when = written.recording.moments(chance, CUTS, since_ns=first, until_ns=made)
    for number, (at_ns, luck) in enumerate(zip(when, cycle(Luck), strict=False)):
        left = tmp_path / f"cut-{number}"
        written.recording.cut(at_ns, left, luck, chance)
        store = SqliteBackend(left / NAME)
        store.open()
        assert store.enqueue([make_job()])[0].created
        assert_consistent(store)
        store.close()


def test_the_recording_is_complete(tmp_path: Path):
    """Played to its end with every write it gives the very files that the process left."""
    chance = seeded()
    written = write(tmp_path, chance, "FULL")
    written.recording.cut(written.recording.events[-1].at_ns, tmp_path / "played", Luck.ALL, chance)
    played = {path.name: path.read_bytes() for path in (tmp_path / "played").iterdir()}
    assert played == {path.name: path.read_bytes() for path in written.folder.iterdir()}
