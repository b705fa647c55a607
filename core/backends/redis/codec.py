"""Bytes of the Redis store: jobs and outcomes on their way in, claims and stored jobs on their way out.

A record is what never changes about a job:

    enqueued_ms 6, layout 1, rank 1 (100 - priority), max_attempts 2, length of task 1, of unique key 2, of options 3,
    extras, task, unique key, options, arguments

Layout 1 has no extras. Layout 2 is for jobs with a gate, or whose unique key is not held until they are finished:

    length of what follows 2, kind of the unique key 1, for how many milliseconds 6,
    with a gate: limit 8, interval in microseconds 8, burst 8, name

Scripts read the head, the extras and the unique key by position (lua/lib/record.lua). `live` is what changes (lua/lib/live.lua),
history what past attempts left (lua/lib/history.lua).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ...model.gate import Gate, GateInfo, passes_at_us
from ...model.ident import RAW_BYTES, JobRef
from ...model.job import Claim, NewJob, StoredJob, Unique, pending_score, ready_ms_of
from ...model.outcome import Outcome
from ...model.schedule import StoredSchedule
from ...model.states import FINAL, State
from .keys import STATE_NUMBERS, STATES_BY_NUMBER

_ORDINARY, _EXTENDED = 1, 2  # layouts
_HEAD = struct.Struct(">BBHBHBH")  # layout, rank, max_attempts, lengths of task, key, options (1 + 2 bytes)
_EXTRAS = struct.Struct(">HBHI")  # their length, kind of the unique key, its milliseconds (2 + 4 bytes)
_NUMBERS = struct.Struct(">QQQ")
_POST = struct.Struct(">QQQQQQ")
_LIVE = struct.Struct(">BIIHQQQH")  # flags, attempts, forgiven, losses, token, claimed, place, length of worker
_OUTCOME = struct.Struct(">14sQBBBBQIH")
_CLAIM = struct.Struct(">14sQ")
_HISTORY = struct.Struct(">II")
_LENGTH = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_SCHEDULE = struct.Struct(">BQQH")
_ADOPTED = struct.Struct(">14sBBQQI")
_WITHDRAWN = struct.Struct(">14sBQ")
_PAST, _ASKED, _NOTED, _PASSED, _WAITS = 1, 2, 8, 16, 32  # flags of live
_IF_EXPIRED, _GIVES_WAY, _AT_A_GATE = 1, 2, 4  # flags of an outcome
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
    held_at: str = ""


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
    return b"".join((job.raw, when, _pack_record(job, task, key, _pack_extras(job.unique, job.unique_ms, job.gate))))


def _pack_record(job: NewJob | StoredJob, task: bytes, key: bytes, extras: bytes) -> bytes:
    """A record without the time at which it came in."""
    size, layout = len(job.options), _EXTENDED if extras else _ORDINARY
    head = _HEAD.pack(layout, 100 - job.priority, job.max_attempts, len(task), len(key), size >> 16, size & 0xFFFF)
    return b"".join((head, extras, task, key, job.options, job.arguments))


def _pack_extras(unique: Unique, unique_ms: int, gate: Gate | None) -> bytes:
    if gate is None and unique is Unique.UNTIL_FINISHED:
        return b""
    tail = b"" if gate is None else _NUMBERS.pack(gate.limit, gate.interval_us, gate.burst) + gate.name.encode()
    head = _EXTRAS.pack(_EXTRAS.size - 2 + len(tail), unique, unique_ms >> 32, unique_ms & 0xFFFFFFFF)
    return head + tail


def pack_outcome(outcome: Outcome) -> bytes:
    """An outcome as `exchange` takes it (lua/lib/settle.lua)."""
    gives_way = 0 if outcome.state in FINAL else _GIVES_WAY
    reason = outcome.reason.encode()
    gate = outcome.held_at.encode() if outcome.state is State.HELD else b""
    head = _OUTCOME.pack(
        outcome.raw,
        outcome.token,
        STATE_NUMBERS[outcome.state],
        outcome.charge,
        _STREAMS[outcome.stream],
        gives_way | (_IF_EXPIRED if outcome.if_expired else 0) | (_AT_A_GATE if gate else 0),
        outcome.delay_ms,
        len(outcome.line),
        len(reason),
    )
    history = _pack_history(outcome.result, outcome.error, (outcome.line,) if outcome.line else ())
    if gate:
        return b"".join((head, reason, _SHORT.pack(len(gate)), gate, history))
    return b"".join((head, reason, history))


def _pack_history(result: bytes | None, error: bytes | None, lines: Sequence[bytes]) -> bytes:
    if result is None and error is None and not lines:
        return b""
    sizes = _HISTORY.pack(0 if result is None else len(result) + 1, 0 if error is None else len(error) + 1)
    parts = [sizes, result or b"", error or b""]
    for line in lines:
        parts += (_LENGTH.pack(len(line)), line)
    return b"".join(parts)


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


def pack_adopted(job: StoredJob) -> bytes:
    """A job of another store as `adopt` takes it."""
    if job.state is State.RUNNING:
        raise ValueError(f"{job.ref} is running: only a job that rests can be adopted")
    task, key, ends_ms = job.task.encode(), job.unique_key.encode(), job.unique_until_ms
    extras = _pack_extras(job.unique, max(0, ends_ms - job.enqueued_ms) if ends_ms else 0, job.gate)
    record = job.enqueued_ms.to_bytes(6, "big") + _pack_record(job, task, key, extras)
    history, live = _pack_history(job.result, job.error, job.lines), _pack_rest(job)
    # Whether a time is over is for the store to say.
    head = (job.ref.raw, STATE_NUMBERS[job.state], job.holds_its_key(0), ends_ms, job.score, len(live))
    return b"".join((_ADOPTED.pack(*head), live, _LENGTH.pack(len(record)), record, history))


def _pack_rest(job: StoredJob) -> bytes:
    """What has changed about a job that rests; nothing when it was never touched."""
    has_past = job.result is not None or job.error is not None or bool(job.lines)
    if not (job.attempts or job.forgiven or job.losses or job.reason or job.held_at or has_past):
        return b""
    flags = (_PAST if has_past else 0) | (_NOTED if job.reason else 0) | (_WAITS if job.held_at else 0)
    place = pending_score(job.priority, job.enqueued_ms) if job.held_at else 0
    reason, gate = job.reason.encode(), job.held_at.encode()
    head = _LIVE.pack(flags, job.attempts, job.forgiven, job.losses, 0, 0, place, 0)
    texts = (b"", reason, gate) if gate else (b"", reason)
    return b"".join((head, *(_SHORT.pack(len(text)) + text for text in texts)))


def pack_withdrawn(job: tuple[bytes, State, int]) -> bytes:
    raw, state, score = job
    return _WITHDRAWN.pack(raw, STATE_NUMBERS[state], score)


# On the way out


def unpack_claims(queue: str, flat: Sequence[bytes]) -> list[Claim]:
    """Claims as scripts answer them (lua/lib/claims.lua)."""
    return [unpack_claim(queue, *flat[at : at + 3]) for at in range(0, len(flat), 3)]


def unpack_claim(queue: str, raw: bytes, record: bytes, packed: bytes) -> Claim:
    layout, rank, max_attempts, task_size, key_size, high, low = _HEAD.unpack_from(record, 6)
    _, attempts, forgiven, losses, token, claimed_ms, place, _ = _LIVE.unpack_from(packed)
    task_at = 16 if layout == _ORDINARY else _end_of_extras(record)
    options_at = task_at + task_size + key_size
    arguments_at = options_at + (high << 16) + low
    return Claim(
        queue,
        raw,
        token,
        record[task_at : task_at + task_size].decode(),
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
    at, end = at + 2, at + 2 + size
    held_at = packed[end + 2 :].decode() if flags & _WAITS else ""
    reason = packed[at:end].decode()
    return Live(flags, attempts, forgiven, losses, token, claimed_ms, place, worker, reason, held_at)


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
    layout, rank, max_attempts, task_size, key_size, high, low = _HEAD.unpack_from(record, 6)
    task_at = 16 if layout == _ORDINARY else _end_of_extras(record)
    key_at = task_at + task_size
    options_at = key_at + key_size
    arguments_at = options_at + (high << 16) + low
    live, (state, score), enqueued_ms = unpack_live(packed), place, int.from_bytes(record[:6], "big")
    unique, unique_ms, gate = _unpack_extras(record[16:task_at])
    return StoredJob(
        ref=ref,
        state=state,
        score=score,
        task=record[task_at:key_at].decode(),
        arguments=record[arguments_at:],
        options=record[options_at:arguments_at],
        priority=100 - rank,
        max_attempts=max_attempts,
        enqueued_ms=enqueued_ms,
        attempts=live.attempts,
        forgiven=live.forgiven,
        losses=live.losses,
        unique_key=record[key_at:options_at].decode(),
        unique=unique,
        unique_until_ms=enqueued_ms + unique_ms if unique is Unique.FOR_A_TIME else 0,
        gate=gate,
        held_at=live.held_at,
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


def _end_of_extras(record: bytes) -> int:
    return 18 + int.from_bytes(record[16:18], "big")


def _unpack_extras(extras: bytes) -> tuple[Unique, int, Gate | None]:
    if not extras:
        return Unique.UNTIL_FINISHED, 0, None
    _, unique, high, low = _EXTRAS.unpack_from(extras)
    gate = None
    if len(extras) > _EXTRAS.size:
        limit, interval_us, burst = _NUMBERS.unpack_from(extras, _EXTRAS.size)
        gate = Gate(extras[_EXTRAS.size + _NUMBERS.size :].decode(), limit, interval_us, burst)
    return Unique(unique), (high << 32) + low, gate


def unpack_gate(name: str, packed: bytes, now_ms: int) -> GateInfo | None:
    """A gate as it stands; None when nobody has passed or waits there and its rate lets one pass."""
    limit, interval_us, burst, used, waiting, paid_until_us = _POST.unpack(packed)
    gate = Gate(name, limit, interval_us, burst or 1)
    opens_ms = -(-passes_at_us(gate, paid_until_us) // 1000) if interval_us else 0
    if not (used or waiting or opens_ms > now_ms):
        return None
    return GateInfo(gate=gate, used=used, waiting=waiting, next_ms=opens_ms if opens_ms > now_ms else 0)


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


def pack_schedule(entry: StoredSchedule) -> bytes:
    head = _SCHEDULE.pack(entry.enabled, entry.version, entry.last_fire_ms, len(entry.last_job))
    return head + entry.last_job + entry.spec


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
