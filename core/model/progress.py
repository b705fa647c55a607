"""What a running handler tells of itself, and the bytes it becomes: how far it is, and where a retry goes on from."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from ..errors import InvalidInput
from .limits import MAX_CHECKPOINT_BYTES, MAX_PROGRESS_CHARS
from .payload import as_data, pack_data, unpack_data


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far a handler is: done of total, in whatever it counts. total: None when nobody knows."""

    done: int | float
    total: int | float | None = None
    message: str = ""

    @property
    def ratio(self) -> float | None:
        """From 0 to 1; None without a total."""
        return None if self.total is None else min(1.0, self.done / self.total) if self.total else 1.0

    def __str__(self) -> str:
        counted = f"{self.done:g}" if self.total is None else f"{self.done:g} of {self.total:g}"
        return f"{counted}: {self.message}" if self.message else counted


_read_progress = msgspec.msgpack.Decoder(Progress).decode
_write_progress = msgspec.msgpack.Encoder().encode


def pack_progress(done: int | float, total: int | float | None, message: str) -> bytes:
    """Checked progress as stored. A longer message is cut: it is not worth an attempt."""
    for name, number in (("done", done), ("total", total)):
        if number is not None and not _counts(number):
            raise InvalidInput("give a number from 0 on", path=f"$.progress.{name}")
    words = str(message).replace("\x00", "").encode("utf-8", "replace").decode()
    return _write_progress(Progress(done, total, words[:MAX_PROGRESS_CHARS]))


def unpack_progress(packed: bytes) -> Progress:
    return _read_progress(packed)


def pack_checkpoint(cursor: Any) -> bytes:
    """A place to go on from as stored: data of at most 64 KiB."""
    return pack_data(as_data(cursor), path="$.checkpoint", limit=MAX_CHECKPOINT_BYTES)


def unpack_checkpoint(packed: bytes) -> Any:
    """None when there is none."""
    return unpack_data(packed) if packed else None


def _counts(number: object) -> bool:
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return is_number and isfinite(number) and 0 <= number < 1 << 63  # type: ignore[arg-type, operator]
