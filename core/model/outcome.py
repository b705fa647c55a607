"""What an attempt ended in, and the one function that decides what becomes of the job: `decide`."""

from __future__ import annotations

import traceback
from enum import IntEnum

import msgspec

from ..errors import Cancelled, InvalidInput, PermanentError, Snooze, TemporaryError
from .clock import as_ms
from .job import Claim, NewJob
from .limits import MAX_REASON_CHARS, MAX_TEXT_BYTES
from .masking import without_secrets
from .retry import Retry
from .states import State


class Charge(IntEnum):
    """How an attempt counts."""

    COUNTED = 0  # against max_attempts
    RETURNED = 1  # as if it had not started (snoozed, released)
    LOST = 2  # it started and its worker died: counted as an attempt and a loss, not against max_attempts
    CRASHED = 3  # like LOST, and its process died while it ran there alone: counted as a crash too
    CLEARED = 4  # against max_attempts, and its losses are forgotten: it ended while it ran alone, so it kills nobody


class ErrorDetail(msgspec.Struct, frozen=True, array_like=True):
    """Why an attempt failed; each text is cleaned and cut, so that storing it cannot fail."""

    type: str  # the exception's full name
    message: str
    traceback: str


class AttemptLine(msgspec.Struct, frozen=True, array_like=True):
    """One attempt in one line: what the journal carries, and the newest ten of which a store keeps with the job."""

    raw: bytes
    task: str
    attempt: int
    state: str  # where the attempt sent the job
    enqueued_ms: int
    ready_ms: int
    claimed_ms: int
    started_ms: int
    finished_ms: int
    worker: str  # "label@host:pid", or the worker's id
    max_attempts: int = 0
    tries: int = 0
    error_type: str = ""
    error_line: str = ""  # first line of the message, at most 200 characters


def line_of(
    claim: Claim,
    state: State,
    *,
    started_ms: int,
    finished_ms: int,
    worker: str,
    error_type: str = "",
    error_line: str = "",
) -> AttemptLine:
    """The line of an attempt that sent its job to `state`."""
    return AttemptLine(
        raw=claim.raw,
        task=claim.task,
        attempt=claim.attempts,
        state=state.value,
        enqueued_ms=claim.enqueued_ms,
        ready_ms=claim.ready_ms,
        claimed_ms=claim.claimed_ms,
        started_ms=started_ms,
        finished_ms=finished_ms,
        worker=worker,
        max_attempts=claim.max_attempts,
        tries=claim.tries,
        error_type=error_type,
        error_line=error_line,
    )


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What a store does to one claimed job when it settles it, if `(raw, token)` still is its claim.

    state is where it goes: completed, dead, cancelled (final); failed, scheduled (after delay_ms from the store's
    now; delay_ms 0 still passes through that state); held; pending (at once, with its old priority, as ready now).
    line: packed AttemptLine, kept with the job and, when `stream` names one, written to that journal stream.
    then: follow-up jobs stored in the same atomic step. if_expired: only if the lease has run out (rescue).
    held_at: with state held, the gate at which the job waits (model/gate.py), in its old run order.
    """

    raw: bytes
    token: int
    state: State
    charge: Charge = Charge.COUNTED
    delay_ms: int = 0
    result: bytes | None = None
    error: bytes | None = None
    reason: str = ""
    line: bytes = b""
    stream: str = ""  # "", "failures" or "completed"
    then: tuple[NewJob, ...] = ()
    if_expired: bool = False
    held_at: str = ""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a job after an attempt."""

    state: State
    charge: Charge = Charge.COUNTED
    delay_ms: int = 0
    reason: str = ""


MAX_CRASHES = 3
CANCELLED_WHILE_RUNNING = "cancelled while running"
MAX_LOSSES = 10  # a job that was running this often when its worker died is most likely what kills it


def decide(
    claim: Claim,
    error: BaseException | None,
    retry: Retry,
    *,
    chance: float,
    cancel_asked: bool,
    now_ms: int,
    deadline_ms: int = 0,
) -> Decision:
    """The whole policy after an attempt: completed, cancelled, snoozed, dead or tried again, and when.

    retry's max_attempts is not read: the job's own counts. chance: a random number in [0, 1) for the jitter.
    deadline_ms: until when the job may be started (JobOptions.deadline_ms). A completion that comes before a
    cancellation reached the handler wins.
    """
    decision = _decide_by_error(claim, error, retry, chance=chance, cancel_asked=cancel_asked)
    waits = decision.state in (State.FAILED, State.SCHEDULED)
    if not waits or not has_expired(deadline_ms, now_ms=now_ms + decision.delay_ms, ready_ms=claim.ready_ms):
        return decision
    if decision.state is State.SCHEDULED:
        return Decision(State.CANCELLED, Charge.RETURNED, reason="expired: it asked to be run when that is too late")
    return Decision(State.DEAD, reason="expired: its next try would come too late")


def decide_late(claim: Claim, deadline_ms: int) -> Decision | None:
    """What becomes of a claim before its handler is started: nothing, or cancelled when it has expired."""
    if not has_expired(deadline_ms, now_ms=claim.claimed_ms, ready_ms=claim.ready_ms):
        return None
    late_s = (claim.claimed_ms - deadline_ms) / 1000
    return Decision(State.CANCELLED, Charge.RETURNED, reason=f"expired: its turn came {late_s:.1f} s too late")


def has_expired(deadline_ms: int, *, now_ms: int, ready_ms: int) -> bool:
    """Whether it is too late to start a job. One that became ready after its deadline was let run by a person."""
    return 0 < deadline_ms <= now_ms and ready_ms < deadline_ms


def _decide_by_error(
    claim: Claim, error: BaseException | None, retry: Retry, *, chance: float, cancel_asked: bool
) -> Decision:
    if error is None:
        return Decision(State.COMPLETED)
    if isinstance(error, Cancelled):
        return Decision(State.CANCELLED, reason=cut_reason(str(error)) or "cancelled by its handler")
    if isinstance(error, Snooze):
        return Decision(State.SCHEDULED, Charge.RETURNED, as_ms(error.delay), reason=cut_reason(str(error)))
    if cancel_asked:
        return Decision(State.CANCELLED, reason=CANCELLED_WHILE_RUNNING)
    if isinstance(error, PermanentError | InvalidInput):
        return Decision(State.DEAD, reason="permanent error")
    if claim.tries >= claim.max_attempts:
        return Decision(State.DEAD, reason="retries used up")
    if isinstance(error, TemporaryError) and error.retry_after is not None:
        return Decision(State.FAILED, delay_ms=as_ms(error.retry_after))
    return Decision(State.FAILED, delay_ms=retry.delay_ms(claim.tries, chance))


def decide_crashed(claim: Claim, cause: str, *, max_crashes: int = MAX_CRASHES) -> Decision:
    """What becomes of a job whose process died while it ran there alone; cause: how, in words."""
    count = claim.crashes + 1
    if count >= max_crashes:
        times = "once" if count == 1 else f"{count} times"
        return Decision(
            State.DEAD, Charge.CRASHED, reason=cut_reason(f"its process died {times} while it ran alone: {cause}")
        )
    return Decision(State.PENDING, Charge.CRASHED, reason=cut_reason(f"its process died while it ran alone: {cause}"))


def decide_lost(claim: Claim) -> Decision:
    """What becomes of a job whose lease ran out: pending again, unless it was there each time a worker died."""
    if claim.losses + 1 >= MAX_LOSSES:
        reason = f"its worker died {MAX_LOSSES} times while it ran"
        return Decision(State.DEAD, Charge.LOST, reason=reason)
    return Decision(State.PENDING, Charge.LOST, reason="its worker died or was cut off")


def detail_of(error: BaseException) -> ErrorDetail:
    """An exception as data: cleaned, cut, and without the secrets that its words can be known by."""
    kind = type(error)
    # Our own are known by their names alone: where they are defined is no concern of those who raise them.
    is_plain = kind.__module__ in ("builtins", PermanentError.__module__)
    name = kind.__qualname__ if is_plain else f"{kind.__module__}.{kind.__qualname__}"
    told = "".join(traceback.format_exception(error))
    message, trace = cut_text(_message(error), MAX_TEXT_BYTES // 16), cut_text(told, MAX_TEXT_BYTES)
    return ErrorDetail(name, without_secrets(message), without_secrets(trace))


def first_line(message: str) -> str:
    """The first line of a message, at most 200 characters."""
    return message.strip().partition("\n")[0][:200]


def cut_reason(reason: str) -> str:
    return cut_text(reason, MAX_TEXT_BYTES)[:MAX_REASON_CHARS]


def cut_text(text: str, limit: int) -> str:
    """Text without NUL and lone surrogates, at most `limit` bytes of UTF-8: head and tail, with a mark between."""
    data = text.replace("\x00", "�").encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    half = (limit - 64) // 2
    mark = f"\n… truncated: {len(data)} bytes in all …\n".encode()
    return (data[:half] + mark + data[-half:]).decode("utf-8", "ignore")


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - a __str__ that raises must not keep the failure from being stored
        return f"<its __str__ raised {type(broken).__name__}>"
