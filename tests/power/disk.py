"""The disk as a power cut leaves it: what was synced for certain, of the rest what chance lets survive.

What is assumed of the system, as ext4 and XFS do it: names (made, renamed, removed) survive in the order in which they
were changed, those before any sync for certain. Of what was written to a file after its last sync, see `Luck`.
"""

import bisect
import itertools
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .record import Event

SECTOR = 512


class Luck(StrEnum):
    """What becomes of the writes that were not synced."""

    NOTHING = "nothing survives"
    ALL = "all of it survives"
    TORN = "the first ones survive, the next one in part"
    SCATTERED = "any sectors survive"


@dataclass
class _Change:
    """A write, or with data None a new size."""

    index: int
    offset: int
    data: bytes | None


@dataclass
class _File:
    """What is safe of a file, and the changes since, in order."""

    safe: bytearray = field(default_factory=bytearray)
    unsafe: list[_Change] = field(default_factory=list)

    def sync(self, until: int) -> None:
        """Make safe what was written before the sync began."""
        while self.unsafe and self.unsafe[0].index < until:
            _apply(self.safe, self.unsafe.pop(0))

    def after_the_cut(self, luck: Luck, chance: random.Random) -> bytes:
        content = bytearray(self.safe)
        if luck is Luck.ALL:
            survivors = self.unsafe
        elif luck is Luck.TORN:
            survivors = _torn(self.unsafe, chance)
        elif luck is Luck.SCATTERED:
            survivors = [part for change in self.unsafe for part in _scattered(change, chance)]
        else:
            survivors = []
        for change in survivors:
            _apply(content, change)
        return bytes(content)


Names = dict[str, _File]
Renaming = tuple[str, str | None, _File | None]  # path, where to (None: nowhere), the file that is made


class Recording:
    """Everything that happened to a folder, and what it held before."""

    def __init__(self, events: Sequence[Event], before: Path | None = None) -> None:
        self.events = events
        self._before = before

    def moments(self, chance: random.Random, count: int, *, since_ns: int, until_ns: int) -> list[int]:
        """Times of a stretch, in order: any, and those just before an event, when what went before is done and told."""
        stamps = [event.at_ns - 1 for event in self.events]
        some = stamps[bisect.bisect_left(stamps, since_ns) : bisect.bisect_right(stamps, until_ns)]
        any_time = [chance.randint(since_ns, until_ns) for _ in range((count + 1) // 2)]
        return sorted(any_time + [chance.choice(some) for _ in range(count // 2)])

    def safe_until(self, at_ns: int, part: str, *, newest: int = 1) -> int:
        """When the newest sync began (or the second newest …) that had ended by a time; 0: none had.

        Of the files whose path has a part."""
        begun, safe = dict[int, int](), [0] * newest
        for event in self.events:
            if event.at_ns > at_ns:
                break
            if event.kind == "sync_begun" and part in event.path:
                begun[event.thread] = event.at_ns
            elif event.kind == "sync" and event.thread in begun:
                safe.append(begun.pop(event.thread))
        return sorted(safe)[-newest]

    def cut(self, at_ns: int, folder: Path, luck: Luck, chance: random.Random) -> None:
        """Lay out in a folder what is left when the power goes at a time."""
        disk = _Disk(self._load())
        for index, event in enumerate(self.events):
            if event.at_ns > at_ns:
                break
            disk.happen(index, event)
        folder.mkdir(parents=True, exist_ok=True)
        if self._before is not None:
            shutil.copytree(self._before, folder, dirs_exist_ok=True, copy_function=_skip, symlinks=True)
        for path, file in disk.names_after_the_cut(luck, chance).items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.after_the_cut(luck, chance))

    def _load(self) -> Names:
        if self._before is None:
            return {}
        files = [path for path in self._before.rglob("*") if path.is_file() and not path.is_symlink()]
        return {str(path.relative_to(self._before)): _File(bytearray(path.read_bytes())) for path in files}


class _Disk:
    """The state of a folder while its events are played."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._safe_names = dict(names)
        self._unsafe: list[Renaming] = []
        self._begun: dict[int, int] = {}  # by thread: where in the record its sync began

    def happen(self, index: int, event: Event) -> None:
        match event.kind:
            case "made":
                self._rename((event.path, event.path, _File()))
            case "removed":
                self._rename((event.path, None, None))
            case "renamed":
                self._rename((event.path, event.data.decode(), None))
            case "sync_begun":
                self._begun[event.thread] = index
            case "sync":
                self._sync(event.path, self._begun.pop(event.thread))
            case "write":
                self._file(event.path).unsafe.append(_Change(index, event.offset, event.data))
            case "size":
                self._file(event.path).unsafe.append(_Change(index, event.offset, None))

    def names_after_the_cut(self, luck: Luck, chance: random.Random) -> Names:
        names = dict(self._safe_names)
        count = {Luck.NOTHING: 0, Luck.ALL: len(self._unsafe)}.get(luck, chance.randint(0, len(self._unsafe)))
        for renaming in self._unsafe[:count]:
            _rename(names, renaming)
        return names

    def _rename(self, renaming: Renaming) -> None:
        self._unsafe.append(renaming)
        _rename(self._names, renaming)

    def _sync(self, path: str, begun: int) -> None:
        if path in self._names:
            self._names[path].sync(begun)
        self._safe_names = dict(self._names)
        self._unsafe.clear()

    def _file(self, path: str) -> _File:
        if path not in self._names:
            self._rename((path, path, _File()))
        return self._names[path]


def _rename(names: Names, renaming: Renaming) -> None:
    old, new, made = renaming
    file = made or names.pop(old, None)
    if new is not None and file is not None:
        names[new] = file


def _apply(content: bytearray, change: _Change) -> None:
    if change.data is None:
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.data)] = change.data


def _torn(changes: Sequence[_Change], chance: random.Random) -> list[_Change]:
    whole = chance.randint(0, len(changes))
    survivors = list(changes[:whole])
    if whole < len(changes) and (data := changes[whole].data):
        survivors.append(_Change(0, changes[whole].offset, data[: chance.randrange(len(data))]))
    return survivors


def _scattered(change: _Change, chance: random.Random) -> list[_Change]:
    """The sectors of a change that made it; a new size is one change."""
    if change.data is None:
        return [change] if chance.random() < 0.5 else []
    cuts = [0, *range(SECTOR - change.offset % SECTOR, len(change.data), SECTOR), len(change.data)]
    return [
        _Change(0, change.offset + start, change.data[start:end])
        for start, end in itertools.pairwise(cuts)
        if chance.random() < 0.5
    ]


def _skip(source: str, target: str) -> str:
    """The files are written afterwards: only the folders are wanted."""
    return target
