"""A job on its way in (NewJob), out to a worker (Claim), and as a store shows it (StoredJob)."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from .gate import Gate
from .ident import JobRef
from .states import State

_RANK_STEP = 1 << 44  # more milliseconds than will pass before the year 2527


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One follow-up of a chain, packed as the job it will become."""

    task: str
    queue: str
    arguments: bytes
    options: bytes
    priority: int
    max_attempts: int
    delay_ms: int
    takes_result: str  # the argument that receives the result of the step before; empty: none
    gate: Gate | None = None


class JobOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a job carries beside its arguments and differs from its task; stored as MessagePack with short names."""

    timeout_ms: int | None = msgspec.field(default=None, name="t")
    backoff: list[Any] | None = msgspec.field(default=None, name="b")  # Retry.as_data()
    metadata: dict[str, Any] = msgspec.field(default_factory=dict, name="m")
    keep_result: bool = msgspec.field(default=True, name="k")
    parent: str = msgspec.field(default="", name="p")  # public id of the job that this one follows or repeats
    schedule: str = msgspec.field(default="", name="s")  # key of the schedule that made it
    steps: list[Step] = msgspec.field(default_factory=list, name="n")  # what comes after it in its chain
    expires_ms: int = msgspec.field(default=0, name="x")  # worth starting for so long after it was enqueued; 0: ever
    expires_at_ms: int = msgspec.field(default=0, name="xa")  # worth starting until then; 0: ever

    def deadline_ms(self, enqueued_ms: int) -> int:
        """Until when a job with these options may be started; 0: without end."""
        return enqueued_ms + self.expires_ms if self.expires_ms else self.expires_at_ms


_options_encoder = msgspec.msgpack.Encoder()
_options_decoder = msgspec.msgpack.Decoder(JobOptions)
NO_OPTIONS = JobOptions()


def pack_options(options: JobOptions) -> bytes:
    """Options as stored; no bytes at all when nothing differs from the task."""
    return b"" if options == NO_OPTIONS else _options_encoder.encode(options)


def unpack_options(packed: bytes) -> JobOptions:
    return _options_decoder.decode(packed) if packed else NO_OPTIONS


class Unique(IntEnum):
    """How long a job holds its unique key."""

    UNTIL_FINISHED = 0  # until it is completed, dead, cancelled or deleted
    WHILE_PENDING = 1  # until it is claimed for the first time, or ends unclaimed
    FOR_A_TIME = 2  # until unique_ms after it was enqueued, whatever became of it


class NewJob(msgspec.Struct, frozen=True, gc=False):
    """A validated request to run a task, as it enters a store.

    raw: 14 bytes, made by the client. arguments: MessagePack of a map. options: MessagePack of JobOptions, or empty.
    delay_ms counts from the store's now; run_at_ms is absolute; at most one of them is not zero.
    unique_ms counts from the store's now too; it is not zero exactly for FOR_A_TIME.
    """

    queue: str
    raw: bytes
    task: str
    arguments: bytes
    options: bytes = b""
    priority: int = 0
    max_attempts: int = 4
    delay_ms: int = 0
    run_at_ms: int = 0
    unique_key: str = ""
    unique: Unique = Unique.UNTIL_FINISHED
    unique_ms: int = 0
    gate: Gate | None = None

    @property
    def ref(self) -> JobRef:
        return JobRef(self.queue, self.raw)


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What became of one enqueued job.

    created is False when nothing was stored: because the id was there already (a resend; ref is the job's own), or
    because another job holds its unique key (ref is that job's; one held for a time may be finished, or gone).
    """

    ref: JobRef
    created: bool


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A job handed to a worker, with its lease and fencing token.

    token grows with every claim in a queue; a settle with an older one is refused. attempts counts this one.
    """

    queue: str
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
    ready_ms: int  # when it became due: claimed_ms - ready_ms is its wait
    claimed_ms: int
    crashes: int = 0
    checkpoint: bytes = b""  # what its last attempt left to go on from

    @property
    def ref(self) -> JobRef:
        return JobRef(self.queue, self.raw)

    @property
    def tries(self) -> int:
        """Attempts that count against max_attempts, this one included."""
        return self.attempts - self.forgiven

    @property
    def is_suspect(self) -> bool:
        """Whether a worker died while it ran: until it has ended alone, it may be what killed it."""
        return self.losses > 0


class StoredJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its store holds it now.

    score is its place in its state's natural order (see `score_of`). Times are UTC milliseconds, 0 for "not yet".
    lines are up to ten packed AttemptLine, oldest first; error is a packed ErrorDetail. progress, checkpoint, log:
    of the newest attempt that noted any (contract.Note); progress and checkpoint are gone once it is completed.
    """

    ref: JobRef
    state: State
    score: int
    task: str
    arguments: bytes
    options: bytes
    priority: int
    max_attempts: int
    enqueued_ms: int
    attempts: int = 0
    forgiven: int = 0
    losses: int = 0
    crashes: int = 0
    unique_key: str = ""
    unique: Unique = Unique.UNTIL_FINISHED
    unique_until_ms: int = 0  # for a key that is held for a time
    gate: Gate | None = None
    held_at: str = ""  # the gate at which a held job waits; empty: it waits for a person
    worker: str = ""
    token: int = 0
    claimed_ms: int = 0
    lease_until_ms: int = 0
    finished_ms: int = 0
    due_ms: int = 0
    cancel_asked: bool = False
    reason: str = ""
    result: bytes | None = None
    error: bytes | None = None
    lines: tuple[bytes, ...] = ()
    progress: bytes | None = None
    checkpoint: bytes = b""
    log: bytes = b""

    @property
    def tries(self) -> int:
        """Attempts that count against max_attempts."""
        return self.attempts - self.forgiven

    @property
    def entered_ms(self) -> int:
        """The time by which cut-offs count: when it finished, for other states when it was enqueued."""
        return self.finished_ms if self.state.is_final else self.enqueued_ms

    def holds_its_key(self, now_ms: int) -> bool:
        """Whether a job in this state has its unique key, if nobody else has taken it."""
        if not self.unique_key:
            return False
        if self.unique is Unique.FOR_A_TIME:
            return self.unique_until_ms > now_ms
        waits = self.state in (State.PENDING, State.SCHEDULED, State.HELD)
        return waits and not self.attempts if self.unique is Unique.WHILE_PENDING else not self.state.is_final


def pending_score(priority: int, ready_ms: int) -> int:
    """Run order: higher priority first, then the order of becoming ready; exact in a double. Ties: by raw id."""
    return (100 - priority) * _RANK_STEP + ready_ms


def ready_ms_of(score: int) -> int:
    """When a pending job became ready, from its score."""
    return score % _RANK_STEP
