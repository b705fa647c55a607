"""What changes about a job, in the bytes that lua/lib/live.lua describes; only scripts change it."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ...model.job import StoredJob, pending_score

HEAD = struct.Struct(">BIIHQQQH")  # flags, attempts, forgiven, losses, token, claimed, place, length of worker
_LENGTH = struct.Struct(">H")
_PAST, _ASKED, _NOTED, _WAITS = 1, 2, 8, 32  # flags


class Live(NamedTuple):
    """What changes about a job."""

    flags: int = 0
    attempts: int = 0
    forgiven: int = 0
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
    flags, attempts, forgiven, losses, token, claimed_ms, place, size = HEAD.unpack_from(packed)
    at = HEAD.size
    worker, at = packed[at : at + size].decode(), at + size
    (size,) = _LENGTH.unpack_from(packed, at)
    at += 2 + size  # the newest operations are the scripts' own affair
    (size,) = _LENGTH.unpack_from(packed, at)
    at, end = at + 2, at + 2 + size
    held_at = packed[end + 2 :].decode() if flags & _WAITS else ""
    reason = packed[at:end].decode()
    return Live(flags, attempts, forgiven, losses, token, claimed_ms, place, worker, reason, held_at)


def worker_of(packed: bytes) -> str:
    size = HEAD.unpack_from(packed)[-1]
    return packed[HEAD.size : HEAD.size + size].decode()


def pack_rest(job: StoredJob) -> bytes:
    """What has changed about a job that rests; nothing when it was never touched."""
    has_past = job.result is not None or job.error is not None or bool(job.lines)
    if not (job.attempts or job.forgiven or job.losses or job.reason or job.held_at or has_past):
        return b""
    flags = (_PAST if has_past else 0) | (_NOTED if job.reason else 0) | (_WAITS if job.held_at else 0)
    place = pending_score(job.priority, job.enqueued_ms) if job.held_at else 0
    reason, gate = job.reason.encode(), job.held_at.encode()
    head = HEAD.pack(flags, job.attempts, job.forgiven, job.losses, 0, 0, place, 0)
    texts = (b"", reason, gate) if gate else (b"", reason)
    return b"".join((head, *(_LENGTH.pack(len(text)) + text for text in texts)))
