"""How values become columns and columns values, alike in every SQL store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from ...model.gate import Gate
from ...model.ident import JobRef
from ...model.job import Claim, StoredJob, Unique, pending_score
from ...model.limits import KEPT_ATTEMPT_LINES
from ...model.states import State

# The place in this tuple is the number that is stored, so it is only ever appended to. Live states come first:
# the partial index of unique keys says `state < 5`.
STATES: Final = (
    State.PENDING,
    State.SCHEDULED,
    State.HELD,
    State.RUNNING,
    State.FAILED,
    State.COMPLETED,
    State.DEAD,
    State.CANCELLED,
)
CODES: Final[dict[State, int]] = {state: code for code, state in enumerate(STATES)}

_encode_list = msgspec.msgpack.Encoder().encode
_decode_list = msgspec.msgpack.Decoder(list[bytes]).decode
_encode_gate = msgspec.msgpack.Encoder().encode
_decode_gate = msgspec.msgpack.Decoder(Gate).decode


class ClaimRow(NamedTuple):
    """The columns of a claimed job, in the order in which the statements answer them; `attempts` counts this claim."""

    id: int
    raw: bytes
    token: int
    task: str
    arguments: bytes
    options: bytes
    priority: int
    max_attempts: int
    attempts: int
    forgiven: int
    losses: int
    enqueued_ms: int
    ready_ms: int
    claimed_ms: int
    crashes: int
    checkpoint: bytes | None

    def as_claim(self, queue: str) -> Claim:
        return Claim(queue, *self[1:-1], self.checkpoint or b"")


class JobRow(NamedTuple):
    """The columns of a job as readers see it. `score` is lease end, due time or finish time, as its state has it."""

    queue: str
    raw: bytes
    state: int
    score: int
    task: str
    arguments: bytes
    options: bytes
    priority: int
    max_attempts: int
    enqueued_ms: int
    attempts: int
    forgiven: int
    losses: int
    unique_key: str
    worker: str
    token: int
    claimed_ms: int
    cancel_asked: int
    reason: str
    result: bytes | None
    error: bytes | None
    line: bytes | None
    earlier: bytes | None
    unique: int = 0
    unique_until_ms: int = 0
    gate: bytes | None = None
    held_at: str = ""
    crashes: int = 0
    progress: bytes | None = None
    checkpoint: bytes | None = None
    log: bytes | None = None

    def as_stored(self) -> StoredJob:
        state = STATES[self.state]
        running = state is State.RUNNING
        return StoredJob(
            ref=JobRef(self.queue, self.raw),
            state=state,
            score=self.score,
            task=self.task,
            arguments=self.arguments,
            options=self.options,
            priority=self.priority,
            max_attempts=self.max_attempts,
            enqueued_ms=self.enqueued_ms,
            attempts=self.attempts,
            forgiven=self.forgiven,
            losses=self.losses,
            crashes=self.crashes,
            unique_key=self.unique_key,
            unique=Unique(self.unique),
            unique_until_ms=self.unique_until_ms,
            gate=unpack_gate(self.gate),
            held_at=self.held_at,
            worker=self.worker if running else "",
            token=self.token if running else 0,
            claimed_ms=self.claimed_ms if running else 0,
            lease_until_ms=self.score if running else 0,
            finished_ms=self.score if state.is_final else 0,
            due_ms=self.score if state in (State.SCHEDULED, State.FAILED) else 0,
            cancel_asked=running and bool(self.cancel_asked),
            reason=self.reason,
            result=self.result,
            error=self.error,
            lines=_lines(self.earlier, self.line),
            progress=self.progress,
            checkpoint=self.checkpoint or b"",
            log=self.log or b"",
        )


def score_of(state: State, *, priority: int, now_ms: int, due_ms: int = 0) -> int:
    """A job's place in the natural order of a state that it enters now (running apart: its lease end)."""
    if state is State.PENDING:
        return pending_score(priority, now_ms)
    return due_ms if state in (State.SCHEDULED, State.FAILED) else now_ms


def pack_gate(gate: Gate | None) -> bytes | None:
    return None if gate is None else _encode_gate(gate)


def unpack_gate(packed: bytes | None) -> Gate | None:
    return _decode_gate(packed) if packed else None


def pack_list(items: Sequence[bytes]) -> bytes:
    """Byte strings as one; none of them is no bytes at all."""
    return _encode_list(items) if items else b""


def unpack_list(packed: bytes | None) -> list[bytes]:
    return _decode_list(packed) if packed else []


def with_line(earlier: bytes, line: bytes) -> bytes:
    """The lines before the newest, once `line` has become one of them; the oldest fall off."""
    return pack_list([*unpack_list(earlier), line][1 - KEPT_ATTEMPT_LINES :]) if line else earlier


def joined(lines: Sequence[bytes]) -> bytes:
    """Packed lines as one MessagePack array (its 16-bit form), without decoding them."""
    return b"\xdc" + len(lines).to_bytes(2, "big") + b"".join(lines)


def _lines(earlier: bytes | None, line: bytes | None) -> tuple[bytes, ...]:
    return (*unpack_list(earlier), line) if line else ()
