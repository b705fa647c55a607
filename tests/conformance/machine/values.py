"""Jobs, claims and outcomes as the model knows them: without tokens, which each store chooses for itself."""

from dataclasses import dataclass, field

from core.model.gate import Gate
from core.model.job import Unique
from core.model.outcome import Charge
from core.model.states import FINAL, State

DUE = (State.SCHEDULED, State.FAILED)
Place = tuple[int, bytes]


@dataclass(frozen=True)
class ModelNew:
    """A request for a job."""

    raw: bytes
    task: str = "shop.send"
    priority: int = 0
    delay_ms: int = 0
    unique_key: str = ""
    unique: Unique = Unique.UNTIL_FINISHED
    unique_ms: int = 0
    gate: Gate | None = None


@dataclass
class ModelJob:
    """A job; `attempt` tells its claims apart, as a token would."""

    new: ModelNew
    enqueued_ms: int
    state: State = State.PENDING
    score: int = 0
    ready_ms: int = 0
    attempts: int = 0
    forgiven: int = 0
    losses: int = 0
    crashes: int = 0
    attempt: int = 0
    worker: str = ""
    claimed_ms: int = 0
    line_score: int = 0  # its place in run order when it was there last
    has_passed: bool = False
    held_at: str = ""
    cancel_asked: bool = False
    operations: tuple[str, ...] = ()
    reason: str = ""
    lines: list[bytes] = field(default_factory=list)

    @property
    def raw(self) -> bytes:
        return self.new.raw

    @property
    def place(self) -> Place:
        return (self.score, self.raw)

    @property
    def turn(self) -> Place:
        """Its place among those who wait at a gate."""
        return (self.line_score, self.raw)

    @property
    def entered_ms(self) -> int:
        """The time by which cut-offs count."""
        return self.score if self.state in FINAL else self.enqueued_ms

    @property
    def unique_until_ms(self) -> int:
        return self.enqueued_ms + self.new.unique_ms if self.new.unique is Unique.FOR_A_TIME else 0


@dataclass(frozen=True)
class ModelClaim:
    """What a claim promises, but for its token."""

    raw: bytes
    attempt: int
    attempts: int
    forgiven: int
    losses: int
    crashes: int
    ready_ms: int
    claimed_ms: int


@dataclass(frozen=True)
class ModelOutcome:
    """An outcome for a claim, which may be stale."""

    claim: ModelClaim
    state: State
    charge: Charge = Charge.COUNTED
    delay_ms: int = 0
    reason: str = ""
    line: bytes = b""
    if_expired: bool = False
    then: tuple[ModelNew, ...] = ()
    held_at: str = ""


@dataclass(frozen=True)
class ModelSwept:
    """What a chunk of a sweep did; `last` is the job looked at last, where there are more behind it."""

    applied: int
    refused: int
    scanned: int
    last: Place | None


@dataclass(frozen=True)
class ModelGateInfo:
    used: int
    waiting: int
    next_ms: int
