"""Cursors as they stand in an address: opaque, checked when they come back."""

from __future__ import annotations

import base64
import binascii

import msgspec

from core.backends.contract import Cursor
from core.errors import InvalidInput

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Cursor)
_LONGEST = 400


def written(cursor: Cursor | None) -> str:
    """A cursor for an address; empty for none."""
    return base64.urlsafe_b64encode(_encoder.encode(cursor)).decode().rstrip("=") if cursor else ""


def read(text: str, name: str) -> Cursor | None:
    """The cursor an address carries; raises InvalidInput when it was not written here."""
    if not text:
        return None
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = _decoder.decode(packed)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as broken:
        raise InvalidInput("not a place in this list; go back to its first page", path=name) from broken
    if abs(cursor.score) >= 1 << 62 or len(cursor.raw) > 14:
        raise InvalidInput("not a place in this list; go back to its first page", path=name)
    return cursor
