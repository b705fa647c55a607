"""Bytes of the Redis store: jobs and outcomes on their way in, claims and stored jobs on their way out.

A job is a record (record.py), what changes about it (live.py), what past attempts left (history.py) and what running
ones did (notes.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ...model.gate import Gate, GateInfo, passes_at_us
from ...model.ident import RAW_BYTES, JobRef
from ...model.job import Claim, NewJob, StoredJob, Unique, ready_ms_of
from ...model.outcome import Outcome
from ...model.schedule import StoredSchedule
from ...model.states import FINAL, State
from ..contract import Note
from .history import pack_history, pack_line, unpack_history
from .keys import STATE_NUMBERS, STATES_BY_NUMBER
from .live import HEAD as LIVE
from .live import NOTES, pack_rest, unpack_live
from .notes import has_notes, pack_note, unpack_note
from .record import pack_record, parts_of, unpack_extras

_POST = struct.Struct(">QQQQQQ")
_OUTCOME = struct.Struct(">14sQBBBBQIH")
_CLAIM = struct.Struct(">14sQ")
_LENGTH = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_SCHEDULE = struct.Struct(">BQQH")
_ADOPTED = struct.Struct(">14sBBQQI")
_WITHDRAWN = struct.Struct(">14sBQ")
_IF_EXPIRED, _GIVES_WAY, _AT_A_GATE = 1, 2, 4  # flags of an outcome
_STREAMS = {"": 0, "failures": 1, "completed": 2}
_map_encoder = msgspec.msgpack.Encoder()
_job_decoder = msgspec.msgpack.Decoder(NewJob)
_sums_decoder = msgspec.msgpack.Decoder(dict[str, int])


# On the way in


def pack_item(job: NewJob) -> bytes:
    """A job as `enqueue` takes it (lua/lib/intake.lua)."""
    if len(job.raw) != RAW_BYTES:
        raise ValueError(f"{job.ref!r}: a raw id is {RAW_BYTES} bytes")
    if job.run_at_ms:
        when = b"\x02" + job.run_at_ms.to_bytes(6, "big")
    elif job.delay_ms:
        when = b"\x01" + job.delay_ms.to_bytes(6, "big")
    else:
        when = b"\x00"
    return b"".join((job.raw, when, *pack_record(job, job.unique_ms)))


def pack_outcome(outcome: Outcome) -> bytes:
    """An outcome as `exchange` takes it (lua/lib/settle.lua)."""
    flags = (0 if outcome.state in FINAL else _GIVES_WAY) | (_IF_EXPIRED if outcome.if_expired else 0)
    reason, at_gate = outcome.reason.encode(), b""
    if outcome.held_at and outcome.state is State.HELD:
        gate = outcome.held_at.encode()
        flags, at_gate = flags | _AT_A_GATE, _SHORT.pack(len(gate)) + gate
    head = _OUTCOME.pack(
        outcome.raw,
        outcome.token,
        STATE_NUMBERS[outcome.state],
        outcome.charge,
        _STREAMS[outcome.stream],
        flags,
        outcome.delay_ms,
        len(outcome.line),
        len(reason),
    )
    history = pack_history(outcome.result, outcome.error, pack_line(outcome.line) if outcome.line else b"")
    return b"".join((head, reason, at_gate, history))


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


def pack_noted(note: Note) -> bytes:
    """A note as `note` takes it."""
    return _CLAIM.pack(note.raw, note.token) + pack_note(note.progress, note.checkpoint, note.log)


def pack_adopted(job: StoredJob) -> bytes:
    """A job of another store as `adopt` takes it."""
    if job.state is State.RUNNING:
        raise ValueError(f"{job.ref} is running: only a job that rests can be adopted")
    ends_ms = job.unique_until_ms
    stamp, unique_ms = job.enqueued_ms.to_bytes(6, "big"), max(0, ends_ms - job.enqueued_ms)
    record = b"".join((stamp, *pack_record(job, unique_ms)))
    history, live = pack_history(job.result, job.error, *map(pack_line, job.lines)), pack_rest(job)
    # Whether a time is over is for the store to say.
    head = (job.ref.raw, STATE_NUMBERS[job.state], job.holds_its_key(0), ends_ms, job.score, len(live))
    note = pack_note(job.progress, job.checkpoint or None, job.log or None) if has_notes(job) else b""
    sized = (_LENGTH.pack(len(record)), record, _LENGTH.pack(len(note)), note)
    return b"".join((_ADOPTED.pack(*head), live, *sized, history))


def pack_withdrawn(job: tuple[bytes, State, int]) -> bytes:
    raw, state, score = job
    return _WITHDRAWN.pack(raw, STATE_NUMBERS[state], score)


# On the way out


def unpack_claims(queue: str, flat: Sequence[bytes], checkpoints: Sequence[bytes]) -> list[Claim]:
    """Claims as scripts answer them (lua/lib/claims.lua), with the checkpoints of those that may have notes."""
    left = iter(checkpoints)
    return [unpack_claim(queue, left, *flat[at : at + 3]) for at in range(0, len(flat), 3)]


def unpack_claim(queue: str, checkpoints: Iterator[bytes], raw: bytes, record: bytes, packed: bytes) -> Claim:
    rank, max_attempts, task_at, key_at, options_at, arguments_at = parts_of(record)
    flags, attempts, forgiven, crashes, losses, token, claimed_ms, place, _ = LIVE.unpack_from(packed)
    return Claim(
        queue,
        raw,
        token,
        record[task_at:key_at].decode(),
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
        crashes,
        next(checkpoints, b"") if flags & NOTES else b"",
    )


def unpack_job(queue: str, raw: bytes, entry: Sequence[Any]) -> StoredJob | None:
    """A job as `read` answers it: state, score, record, live, history, note."""
    number, score, record, live, history, note = entry
    if not number:
        return None
    result, error, lines = unpack_history(history)
    progress, checkpoint, log = unpack_note(note)
    left = {"result": result, "error": error, "progress": progress, "checkpoint": checkpoint, "log": log}
    place = (STATES_BY_NUMBER[number], int(score))
    return stored_job(JobRef(queue, raw), place, record, live, lines=lines, **left)


def stored_job(ref: JobRef, place: tuple[State, int], record: bytes, packed: bytes | None, **left: Any) -> StoredJob:
    """A job from its state and score, its record and what changed about it."""
    rank, max_attempts, task_at, key_at, options_at, arguments_at = parts_of(record)
    unique, unique_ms, gate = unpack_extras(record, task_at)
    live, (state, score) = unpack_live(packed), place
    enqueued_ms = int.from_bytes(record[:6], "big")
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
        crashes=live.crashes,
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
        cancel_asked=live.is_asked_to_stop,
        reason=live.reason,
        **left,
    )


def unpack_gate(name: str, packed: bytes, now_ms: int) -> GateInfo | None:
    """A gate as it stands; None when nobody has passed or waits there and its rate lets one pass."""
    limit, interval_us, burst, used, waiting, paid_until_us = _POST.unpack(packed)
    gate = Gate(name, limit, interval_us, burst or 1)
    opens_ms = -(-passes_at_us(gate, paid_until_us) // 1000) if interval_us else 0
    if not (used or waiting or opens_ms > now_ms):
        return None
    return GateInfo(gate=gate, used=used, waiting=waiting, next_ms=opens_ms if opens_ms > now_ms else 0)


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
