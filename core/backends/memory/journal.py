"""A bounded stream of batches of attempt lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from ..contract import JournalEntry


def joined(lines: Sequence[bytes]) -> bytes:
    """Packed lines as one MessagePack array (its 16-bit form), without decoding them."""
    return b"\xdc" + len(lines).to_bytes(2, "big") + b"".join(lines)


class Journal:
    """Entries count from 1; their number is their position."""

    def __init__(self) -> None:
        self._entries: deque[JournalEntry] = deque()
        self._count = 0

    @property
    def newest(self) -> str:
        return str(self._count) if self._entries else ""

    def write(self, lines: Sequence[bytes]) -> None:
        if lines:
            self._count += 1
            self._entries.append(JournalEntry(str(self._count), joined(lines)))

    def read(self, after: str, limit: int) -> list[JournalEntry]:
        behind = int(after or 0)
        return list(islice((entry for entry in self._entries if int(entry.position) > behind), limit))

    def keep(self, count: int) -> None:
        while len(self._entries) > count:
            self._entries.popleft()
