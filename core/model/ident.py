"""Job ids: made by the client, 14 bytes, ordered by time; in public `queue~base32`."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from typing import NamedTuple

from ..errors import InvalidInput
from .limits import QUEUE_NAME

RAW_BYTES = 14
_TEXT_LENGTH = 23  # ceil(112 bits / 5)
_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # base32hex, lower case: what int(text, 32) reads


class JobRef(NamedTuple):
    """Where a job lives and its id there; its text form is the public id."""

    queue: str
    raw: bytes

    def __str__(self) -> str:
        return f"{self.queue}~{_as_text(self.raw)}"

    @classmethod
    def parse(cls, public_id: str) -> JobRef:
        """Read a public id; raises InvalidInput that shows the form."""
        queue, mark, text = public_id.partition("~") if isinstance(public_id, str) else ("", "", "")
        if mark and QUEUE_NAME.fullmatch(queue) and len(text) == _TEXT_LENGTH and set(text) <= set(_DIGITS):
            number = int(text, 32)
            if number < 1 << (8 * RAW_BYTES):
                return cls(queue, number.to_bytes(RAW_BYTES, "big"))
        raise InvalidInput("not a job id; one looks like default~00q40fbkdjg005rh35bk83b", path="$.id")


class IdMaker:
    """Makes ids that only grow within a process, so that equal times keep their order.

    48 bits of milliseconds and 16 of sequence count as one number; 48 random bits a process tell processes apart.
    """

    def __init__(self) -> None:
        self.reseed()

    def reseed(self) -> None:
        """Begin anew: called in a forked child, which must not repeat its parent, and whose copy of the lock may be
        held by a thread that it does not have."""
        self._lock = threading.Lock()
        self._node = os.urandom(6)
        self._last = 0

    def next(self) -> bytes:
        with self._lock:
            self._last = max(self._last + 1, (time.time_ns() // 1_000_000) << 16)
            return self._last.to_bytes(8, "big") + self._node


_maker = IdMaker()
os.register_at_fork(after_in_child=_maker.reseed)
new_raw = _maker.next


def derived_raw(parent: bytes, step: str) -> bytes:
    """The id of a follow-up: the same parent and step always make the same id."""
    return parent[:6] + hashlib.blake2b(parent + step.encode(), digest_size=8).digest()


def fire_raw(key: str, fire_ms: int) -> bytes:
    """The id of a schedule's job: one tick, one id, however many schedulers run."""
    return fire_ms.to_bytes(6, "big") + hashlib.blake2b(f"{key}@{fire_ms}".encode(), digest_size=8).digest()


def _as_text(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return "".join(_DIGITS[(number >> shift) & 31] for shift in range(5 * (_TEXT_LENGTH - 1), -1, -5))
