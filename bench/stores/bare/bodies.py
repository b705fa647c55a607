"""Bodies and ids for rivals, of the size of ours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec

from ..spread import PAYLOAD

_numbers = itertools.count(1)


def bodies(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of a 14-byte id, growing, and a body: the task's name and the same arguments as ours."""
    for number in itertools.islice(_numbers, count):
        body = msgspec.msgpack.encode({"i": number, "p": PAYLOAD})
        yield (1 << 100 | number).to_bytes(14, "big"), b"mail.send\0" + body
