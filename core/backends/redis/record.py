"""What never changes about a job, as one string:

    enqueued_ms 6, layout 1, rank 1 (100 - priority), max_attempts 2, length of task 1, of unique key 2, of options 3,
    extras, task, unique key, options, arguments

Layout 1 has no extras. Layout 2 is for jobs with a gate, or whose unique key is not held until they are finished:

    length of what follows 2, kind of the unique key 1, for how many milliseconds 6,
    with a gate: limit 8, interval in microseconds 8, burst 8, name

Scripts read the head, the extras and the unique key by position (lua/lib/record.lua).
"""

from __future__ import annotations

import struct

from ...model.gate import Gate
from ...model.job import NewJob, StoredJob, Unique

_ORDINARY, _EXTENDED = 1, 2  # layouts
_HEAD = struct.Struct(">BBHBHBH")  # layout, rank, max_attempts, lengths of task, key, options (1 + 2 bytes)
_EXTRAS_AT = 16
_EXTRAS = struct.Struct(">HBHI")  # their length, kind of the unique key, its milliseconds (2 + 4 bytes)
_NUMBERS = struct.Struct(">QQQ")
_MAX_OPTIONS = (1 << 24) - 1
_UNTIL_FINISHED = Unique.UNTIL_FINISHED


def pack_record(job: NewJob | StoredJob, unique_ms: int) -> tuple[bytes, ...]:
    """A record without the time at which it came in, in pieces to be joined."""
    if len(job.options) > _MAX_OPTIONS:
        raise ValueError(f"{job.ref!r}: options are at most {_MAX_OPTIONS} bytes")
    task, key, size, layout, extras = job.task.encode(), job.unique_key.encode(), len(job.options), _ORDINARY, b""
    if job.gate is not None or job.unique is not _UNTIL_FINISHED:
        layout, extras = _EXTENDED, _pack_extras(job.unique, unique_ms, job.gate)
    head = _HEAD.pack(layout, 100 - job.priority, job.max_attempts, len(task), len(key), size >> 16, size & 0xFFFF)
    return head, extras, task, key, job.options, job.arguments


def _pack_extras(unique: Unique, unique_ms: int, gate: Gate | None) -> bytes:
    tail = b"" if gate is None else _NUMBERS.pack(gate.limit, gate.interval_us, gate.burst) + gate.name.encode()
    head = _EXTRAS.pack(_EXTRAS.size - 2 + len(tail), unique, unique_ms >> 32, unique_ms & 0xFFFFFFFF)
    return head + tail


def parts_of(record: bytes) -> tuple[int, int, int, int, int, int]:
    """Its rank and max_attempts, then where its task, unique key, options and arguments begin. Every claim is read by
    this: a tuple with names would take twice the time."""
    layout, rank, max_attempts, task_size, key_size, high, low = _HEAD.unpack_from(record, 6)
    task_at = _EXTRAS_AT if layout == _ORDINARY else _end_of_extras(record)
    key_at = task_at + task_size
    options_at = key_at + key_size
    return rank, max_attempts, task_at, key_at, options_at, options_at + (high << 16) + low


def _end_of_extras(record: bytes) -> int:
    return 18 + int.from_bytes(record[16:18], "big")


def unpack_extras(record: bytes, task_at: int) -> tuple[Unique, int, Gate | None]:
    """How long it holds its unique key, for how many milliseconds, and its gate."""
    extras = record[_EXTRAS_AT:task_at]
    if not extras:
        return _UNTIL_FINISHED, 0, None
    _, unique, high, low = _EXTRAS.unpack_from(extras)
    gate = None
    if len(extras) > _EXTRAS.size:
        limit, interval_us, burst = _NUMBERS.unpack_from(extras, _EXTRAS.size)
        gate = Gate(extras[_EXTRAS.size + _NUMBERS.size :].decode(), limit, interval_us, burst)
    return Unique(unique), (high << 32) + low, gate
