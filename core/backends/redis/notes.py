"""What running handlers leave with their jobs, in the bytes that lua/lib/notes.lua describes."""

from __future__ import annotations

import struct

from ...model.job import StoredJob

_SIZES = struct.Struct(">III")


def pack_note(progress: bytes | None, checkpoint: bytes | None, log: bytes | None) -> bytes:
    """None leaves what is there; of an adopted job there is nothing."""
    sizes = (0 if part is None else len(part) + 1 for part in (progress, checkpoint, log))
    return b"".join((_SIZES.pack(*sizes), progress or b"", checkpoint or b"", log or b""))


def has_notes(job: StoredJob) -> bool:
    return job.progress is not None or bool(job.checkpoint or job.log)


def unpack_note(note: bytes | None) -> tuple[bytes | None, bytes, bytes]:
    """Progress, checkpoint and log."""
    if note is None:
        return None, b"", b""
    at, parts = _SIZES.size, []
    for size in _SIZES.unpack_from(note):
        end = at + max(0, size - 1)
        parts.append(note[at:end] if size else None)
        at = end
    progress, checkpoint, log = parts
    return progress, checkpoint or b"", log or b""
