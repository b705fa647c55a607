"""What a recorder writes down, and how it is read again."""

import os
import struct
import time
from pathlib import Path

import msgspec


class Event(msgspec.Struct, array_like=True):
    """Something that happened to a file of the folder; path: from the folder on, empty is the folder itself.

    kind: write (offset, data), size (offset), sync_begun and sync, made, renamed (data: the new path), removed.
    """

    at_ns: int
    kind: str
    path: str
    offset: int = 0
    data: bytes = b""
    thread: int = 0


class Log:
    """Written past every buffer of this process, which may be killed at any moment."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, kind: str, path: str, thread: int, *, offset: int = 0, data: bytes = b"") -> None:
        packed = msgspec.msgpack.encode(Event(time.monotonic_ns(), kind, path, offset, data, thread))
        os.write(self._descriptor, struct.pack("!I", len(packed)) + packed)


def read_log(path: Path) -> list[Event]:
    """What was recorded, in order."""
    content, place, events = path.read_bytes(), 0, []
    decoder = msgspec.msgpack.Decoder(Event)
    while place + 4 <= len(content):
        [length] = struct.unpack_from("!I", content, place)
        packed = content[place + 4 : place + 4 + length]
        if len(packed) < length:
            break  # the recorder was killed in the middle of it
        events.append(decoder.decode(packed))
        place += 4 + length
    return events
