"""Bytes of the Redis store: jobs and outcomes on their way in, claims and stored jobs on their way out.

A record is what never changes about a job:

    enqueued_ms 6, layout 1, rank 1 (100 - priority), max_attempts 2, length of task 1, of unique key 2, of options 3,
    task, unique key, options, arguments

Scripts read the head and the unique key by position (lua/lib/record.lua). `live` is what changes (lua/lib/live.lua),
history what past attempts left (lua/lib/history.lua).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ...model.ident import RAW_BYTES, JobRef
from ...model.job import Claim, NewJob, StoredJob, ready_ms_of
from ...model.outcome import Outcome
from ...model.schedule import StoredSchedule
from ...model.states import FINAL, State
from .keys import STATE_NUMBERS, STATES_BY_NUMBER

_LAYOUT = 1
_HEAD = struct.Struct(">BBHBHBH")  # layout, rank, max_attempts, lengths of task, key, options (1 + 2 bytes)
_LIVE = struct.Struct(">BIIHQQQH")  # flags, attempts, forgiven, losses, token, claimed, place, length of worker
_OUTCOME = struct.Struct(">14sQBBBBQIH")
_CLAIM = struct.Struct(">14sQ")
_HISTORY = struct.Struct(">II")
_LENGTH = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_SCHEDULE = struct.Struct(">BQQH")
_PAST, _ASKED = 1, 2  # flags of live
_IF_EXPIRED, _GIVES_WAY = 1, 2  # flags of an outcome
_STREAMS = {"": 0, "failures": 1, "completed": 2}
_MAX_OPTIONS = (1 << 24) - 1
_map_encoder = msgspec.msgpack.Encoder()
_job_decoder = msgspec.msgpack.Decoder(NewJob)
_sums_decoder = msgspec.msgpack.Decoder(dict[str, int])


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


UNTOUCHED = Live()


# On the way in


def pack_item(job: NewJob) -> bytes:
    """A job as `enqueue` takes it (lua/lib/intake.lua)."""
    task, key = job.task.encode(), job.unique_key.encode()
    if len(job.raw) != RAW_BYTES or len(job.options) > _MAX_OPTIONS:
        raise ValueError(f"{job.ref!r}: a raw id is {RAW_BYTES} bytes, options are at most {_MAX_OPTIONS}")
    if job.run_at_ms:
        when = b"\x02" + job.run_at_ms.to_bytes(6, "big")
    elif job.delay_ms:
        when = b"\x01" + job.delay_ms.to_bytes(6, "big")
    else:
        when = b"\x00"
    size = len(job.options)
    head = _HEAD.pack(_LAYOUT, 100 - job.priority, job.max_attempts, len(task), len(key), size >> 16, size & 0xFFFF)
    return b"".join((job.raw, when, head, task, key, job.options, job.arguments))


def pack_outcome(outcome: Outcome) -> bytes:
    """An outcome as `exchange` takes it (lua/lib/settle.lua)."""
    gives_way = 0 if outcome.state in FINAL else _GIVES_WAY
    reason = outcome.reason.encode()
    head = _OUTCOME.pack(
        outcome.raw,
        outcome.token,
        STATE_NUMBERS[outcome.state],
        outcome.charge,
        _STREAMS[outcome.stream],
        gives_way | (_IF_EXPIRED if outcome.if_expired else 0),
        outcome.delay_ms,
        len(outcome.line),
        len(reason),
    )
    return b"".join((head, reason, _pack_history(outcome.result, outcome.error, outcome.line)))


def _pack_history(result: bytes | None, error: bytes | None, line: bytes) -> bytes:
    if result is None and error is None and not line:
        return b""
    sizes = _HISTORY.pack(0 if result is None else len(result) + 1, 0 if error is None else len(error) + 1)
    if not line:
        return b"".join((sizes, result or b"", error or b""))
    return b"".join((sizes, result or b"", error or b"", _LENGTH.pack(len(line)), line))


def pack_follow_up(outcome: int, job: NewJob) -> bytes:
    return _LENGTH.pack(outcome) + pack_item(job)


def pack_for_elsewhere(outcome: int, job: NewJob) -> bytes:
    field = job.raw + job.queue.encode()
    return b"".join((_LENGTH.pack(outcome), _SHORT.pack(len(field)), field, _map_encoder.encode(job)))


def unpack_from_elsewhere(value: bytes) -> NewJob:
    """A job from an outbox; its delay counts from when it was put there."""
    job = _job_decoder.decode(value[6:])
    if not job.delay_ms:
        return job
    due_ms = int.from_bytes(value[:6], "big") + job.delay_ms
    return msgspec.structs.replace(job, delay_ms=0, run_at_ms=due_ms)


def pack_sums(minutes: Mapping[str, int]) -> list[bytes]:
    """Sums by metric as one string a task (lua/lib/minutes.lua)."""
    by_task: dict[str, dict[str, int]] = {}
    for metric, count in minutes.items():
        task, _, name = metric.partition("|")
        by_task.setdefault(task, {})[name] = count
    packed = ((task.encode(), _map_encoder.encode(sums)) for task, sums in by_task.items())
    return [b"".join((_SHORT.pack(len(task)), task, sums)) for task, sums in packed]


def unpack_sums(task: str, packed: bytes) -> dict[str, int]:
    return {f"{task}|{name}" if name else task: count for name, count in _sums_decoder.decode(packed).items()}


def pack_claim(claim: tuple[bytes, int]) -> bytes:
    return _CLAIM.pack(*claim)


# On the way out


def unpack_claims(queue: str, flat: Sequence[bytes]) -> list[Claim]:
    """Claims as scripts answer them (lua/lib/claims.lua)."""
    return [unpack_claim(queue, *flat[at : at + 3]) for at in range(0, len(flat), 3)]


def unpack_claim(queue: str, raw: bytes, record: bytes, packed: bytes) -> Claim:
    _, rank, max_attempts, task_size, key_size, high, low = _HEAD.unpack_from(record, 6)
    _, attempts, forgiven, losses, token, claimed_ms, place, _ = _LIVE.unpack_from(packed)
    options_at = 16 + task_size + key_size
    arguments_at = options_at + (high << 16) + low
    return Claim(
        queue,
        raw,
        token,
        record[16 : 16 + task_size].decode(),
        record[arguments_at:],
        record[options_at:arguments_at],
        100 - rank,
        max_attempts,
        attempts,
        forgiven,
        losses,
        int.from_bytes(record[:6], "big"),
        ready_ms_of(place),
        claimed_ms,
    )


def unpack_live(packed: bytes | None) -> Live:
    if packed is None:
        return UNTOUCHED
    flags, attempts, forgiven, losses, token, claimed_ms, place, size = _LIVE.unpack_from(packed)
    at = _LIVE.size
    worker, at = packed[at : at + size].decode(), at + size
    (size,) = _SHORT.unpack_from(packed, at)
    at += 2 + size  # the newest operations are the scripts' own affair
    (size,) = _SHORT.unpack_from(packed, at)
    reason = packed[at + 2 : at + 2 + size].decode()
    return Live(flags, attempts, forgiven, losses, token, claimed_ms, place, worker, reason)


def worker_of(packed: bytes) -> str:
    size = _LIVE.unpack_from(packed)[-1]
    return packed[_LIVE.size : _LIVE.size + size].decode()


def unpack_job(queue: str, raw: bytes, entry: Sequence[Any]) -> StoredJob | None:
    """A job as `read` answers it: state, score, record, live, history."""
    number, score, record, live, history = entry
    if not number:
        return None
    result, error, lines = _unpack_history(history)
    place = (STATES_BY_NUMBER[number], int(score))
    return stored_job(JobRef(queue, raw), place, record, live, lines=lines, result=result, error=error)


def stored_job(ref: JobRef, place: tuple[State, int], record: bytes, packed: bytes | None, **history: Any) -> StoredJob:
    """A job from its state and score, its record and what changed about it."""
    _, rank, max_attempts, task_size, key_size, high, low = _HEAD.unpack_from(record, 6)
    options_at = 16 + task_size + key_size
    arguments_at = options_at + (high << 16) + low
    live, (state, score) = unpack_live(packed), place
    return StoredJob(
        ref=ref,
        state=state,
        score=score,
        task=record[16 : 16 + task_size].decode(),
        arguments=record[arguments_at:],
        options=record[options_at:arguments_at],
        priority=100 - rank,
        max_attempts=max_attempts,
        enqueued_ms=int.from_bytes(record[:6], "big"),
        attempts=live.attempts,
        forgiven=live.forgiven,
        losses=live.losses,
        unique_key=record[16 + task_size : options_at].decode(),
        worker=live.worker,
        token=live.token,
        claimed_ms=live.claimed_ms,
        lease_until_ms=score if state is State.RUNNING else 0,
        finished_ms=score if state in FINAL else 0,
        due_ms=score if state in (State.SCHEDULED, State.FAILED) else 0,
        cancel_asked=bool(live.flags & _ASKED),
        reason=live.reason,
        **history,
    )


def _unpack_history(history: bytes | None) -> tuple[bytes | None, bytes | None, tuple[bytes, ...]]:
    if history is None:
        return None, None, ()
    result_size, error_size = _HISTORY.unpack_from(history)
    at = _HISTORY.size
    result, at = (history[at : at + result_size - 1], at + result_size - 1) if result_size else (None, at)
    error, at = (history[at : at + error_size - 1], at + error_size - 1) if error_size else (None, at)
    lines = []
    while at < len(history):
        (size,) = _LENGTH.unpack_from(history, at)
        lines.append(history[at + 4 : at + 4 + size])
        at += 4 + size
    return result, error, tuple(lines)


def unpack_schedule(queue: str, key: str, packed: bytes) -> StoredSchedule:
    enabled, version, last_fire_ms, size = _SCHEDULE.unpack_from(packed)
    at = _SCHEDULE.size
    return StoredSchedule(
        queue=queue,
        key=key,
        spec=packed[at + size :],
        enabled=bool(enabled),
        version=version,
        last_fire_ms=last_fire_ms,
        last_job=packed[at : at + size],
    )
