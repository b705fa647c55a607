"""What changes about a job, in the bytes that lua/lib/live.lua describes; only scripts change it."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ...model.job import StoredJob, pending_score
from .notes import has_notes

HEAD = struct.Struct(">BIIBBQQQH")  # flags, attempts, forgiven, crashes, losses, token, claimed, place, size of worker
_LENGTH = struct.Struct(">H")
_PAST, _ASKED, _TEXTS, _WAITS = 1, 2, 8, 32  # flags
NOTES = 64  # a flag: the job may have notes
_MOST_LOSSES = 255  # and crashes: they count no further


class Live(NamedTuple):
    """What changes about a job."""

    flags: int = 0
    attempts: int = 0
    forgiven: int = 0
    crashes: int = 0
    losses: int = 0
    token: int = 0
    claimed_ms: int = 0
    place: int = 0
    worker: str = ""
    reason: str = ""
    held_at: str = ""

    @property
    def is_asked_to_stop(self) -> bool:
        return bool(self.flags & _ASKED)


UNTOUCHED = Live()


def unpack_live(packed: bytes | None) -> Live:
    if packed is None:
        return UNTOUCHED
    flags, attempts, forgiven, crashes, losses, token, claimed_ms, place, size = HEAD.unpack_from(packed)
    at = HEAD.size
    worker, at = packed[at : at + size].decode(), at + size
    (size,) = _LENGTH.unpack_from(packed, at)
    at += 2 + size  # the newest operations are the scripts' own affair
    (size,) = _LENGTH.unpack_from(packed, at)
    at, end = at + 2, at + 2 + size
    held_at = packed[end + 2 :].decode() if flags & _WAITS else ""
    reason = packed[at:end].decode()
    return Live(flags, attempts, forgiven, crashes, losses, token, claimed_ms, place, worker, reason, held_at)


def worker_of(packed: bytes) -> str:
    size = HEAD.unpack_from(packed)[-1]
    return packed[HEAD.size : HEAD.size + size].decode()


def pack_rest(job: StoredJob) -> bytes:
    """What has changed about a job that rests; nothing when it was never touched."""
    has_past = job.result is not None or job.error is not None or bool(job.lines)
    has_counts = bool(job.attempts or job.forgiven or job.losses or job.crashes)
    if not (has_counts or job.reason or job.held_at or has_past or has_notes(job)):
        return b""
    flags = (_PAST if has_past else 0) | (_TEXTS if job.reason else 0) | (_WAITS if job.held_at else 0)
    flags |= NOTES if has_notes(job) else 0
    place = pending_score(job.priority, job.enqueued_ms) if job.held_at else 0
    reason, gate = job.reason.encode(), job.held_at.encode()
    crashes, losses = min(job.crashes, _MOST_LOSSES), min(job.losses, _MOST_LOSSES)
    head = HEAD.pack(flags, job.attempts, job.forgiven, crashes, losses, 0, 0, place, 0)
    texts = (b"", reason, gate) if gate else (b"", reason)
    return b"".join((head, *(_LENGTH.pack(len(text)) + text for text in texts)))
