"""What past attempts left of a job: result, error and lines, in the bytes that lua/lib/history.lua describes."""

from __future__ import annotations

import struct

_HEAD = struct.Struct(">II")
_LENGTH = struct.Struct(">I")


def pack_line(line: bytes) -> bytes:
    return _LENGTH.pack(len(line)) + line


def pack_history(result: bytes | None, error: bytes | None, *lines: bytes) -> bytes:
    """Of packed lines; nothing when there is nothing."""
    if result is None and error is None and not any(lines):
        return b""
    sizes = _HEAD.pack(0 if result is None else len(result) + 1, 0 if error is None else len(error) + 1)
    return b"".join((sizes, result or b"", error or b"", *lines))


def unpack_history(history: bytes | None) -> tuple[bytes | None, bytes | None, tuple[bytes, ...]]:
    if history is None:
        return None, None, ()
    result_size, error_size = _HEAD.unpack_from(history)
    at = _HEAD.size
    result, at = (history[at : at + result_size - 1], at + result_size - 1) if result_size else (None, at)
    error, at = (history[at : at + error_size - 1], at + error_size - 1) if error_size else (None, at)
    lines = []
    while at < len(history):
        (size,) = _LENGTH.unpack_from(history, at)
        lines.append(history[at + 4 : at + 4 + size])
        at += 4 + size
    return result, error, tuple(lines)
