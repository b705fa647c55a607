"""A schedule as data: what it enqueues, when, and where its last run stands."""

from __future__ import annotations

from typing import Any

import msgspec

from .gate import Gate
from .job import Unique


class ScheduleSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """The definition: the task, when it fires, and what the job carries.

    cron is an expression of five fields, or empty when every_ms is set. timezone: an IANA name.
    """

    task: str
    cron: str = ""
    every_ms: int = 0
    timezone: str = "UTC"
    arguments: dict[str, Any] = {}
    priority: int = 0
    max_attempts: int = 4
    options: bytes = b""  # packed JobOptions
    unique_key: str = ""
    unique: Unique = Unique.UNTIL_FINISHED
    unique_ms: int = 0
    gate: Gate | None = None
    origin: str = "code"  # "code" or "person"


class StoredSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as its store holds it.

    spec: packed ScheduleSpec. version grows with every change of spec or switch. last_fire_ms: the newest tick that
    was taken (or the time it was put or switched on), from which the next one is counted.
    """

    queue: str
    key: str
    spec: bytes
    enabled: bool
    version: int
    last_fire_ms: int
    last_job: bytes = b""  # raw id of the job of that tick; empty: none yet


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ScheduleSpec)


def pack_spec(spec: ScheduleSpec) -> bytes:
    return _encoder.encode(spec)


def unpack_spec(packed: bytes) -> ScheduleSpec:
    return _decoder.decode(packed)
