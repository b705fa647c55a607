"""From the end of a handler to the Outcome that the store is told."""

from __future__ import annotations

import asyncio
import random
import time
from types import TracebackType
from typing import Any

import msgspec

from ..config import Config
from ..errors import Cancelled
from ..model.gate import task_gate
from ..model.job import Claim, JobOptions, NewJob
from ..model.outcome import (
    CANCELLED_WHILE_RUNNING,
    AttemptLine,
    Charge,
    Decision,
    ErrorDetail,
    Outcome,
    decide,
    decide_crashed,
    decide_late,
    decide_lost,
    detail_of,
    first_line,
    line_of,
)
from ..model.partition import Partitions
from ..model.retry import Retry
from ..model.states import State
from ..tasks.compose import follow_up
from .attempt import Attempt, Finished
from .interrupts import Interrupt, LeaseInterrupt, StopInterrupt, TimeoutInterrupt
from .storetime import StoreTime

pack = msgspec.msgpack.Encoder().encode
COMPLETED, FAILURES = "completed", "failures"  # the journal's streams
_COUNTED = (State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED)
DIED_ALONE = "ProcessDied"  # what an attempt ended with whose process died while it ran there alone
_HERE = __name__.rpartition(".")[0]


class ProcessDiedError(Exception):
    """Stands for the death of the process that an attempt ran in alone."""


class Settlement:
    """Makes Outcomes in the name of one worker. `worker` is what attempt lines call it."""

    def __init__(self, config: Config, store_time: StoreTime, *, worker: str) -> None:
        self._config = config
        self._time = store_time
        self.worker = worker
        self._partitions = Partitions(config.partitions)
        self._retry = Retry(max_attempts=config.max_attempts, base=config.retry_backoff)

    def completed(self, attempt: Attempt, value: Any) -> Finished:
        """The handler returned. Raises InvalidInput when what it returned cannot be stored."""
        ended, claim, options = time.monotonic(), attempt.claim, attempt.options
        result = attempt.task.dump_result(value) if options.keep_result else None
        share = self._config.journal_completed
        outcome = Outcome(
            raw=claim.raw,
            token=claim.token,
            state=State.COMPLETED,
            result=result,
            line=pack(self._line(attempt, State.COMPLETED, ended)),
            stream=COMPLETED if share >= 1 or random.random() < share else "",  # noqa: S311 - a sample
            then=self._followed(claim, options, value) if options.steps else (),
        )
        return Finished(attempt, outcome, name="completed", run_s=ended - attempt.started)

    def failed(self, attempt: Attempt, error: BaseException) -> Finished:
        """The handler raised, or was interrupted."""
        ended = time.monotonic()
        run_s = ended - attempt.started if attempt.started else 0.0
        if attempt.interrupt is LeaseInterrupt:
            return Finished(attempt, None, run_s=run_s)
        if attempt.interrupt is StopInterrupt:
            return self._given_up(attempt, run_s)
        error = _as_told(attempt, error)
        claim = attempt.claim
        chance = random.random()  # noqa: S311 - jitter
        decision = decide(
            claim,
            error,
            self.retry_of(attempt),
            chance=chance,
            cancel_asked=attempt.is_cancelled,
            now_ms=self._time.now_ms(),
            deadline_ms=attempt.options.deadline_ms(claim.enqueued_ms),
        )
        if decision.state not in _COUNTED:
            return Finished(attempt, _plain(claim, decision), run_s=run_s)
        detail = detail_of(error)
        line = self._line(attempt, decision.state, ended, error_type=detail.type, error_line=first_line(detail.message))
        outcome = Outcome(
            raw=claim.raw,
            token=claim.token,
            state=decision.state,
            charge=decision.charge,
            delay_ms=decision.delay_ms,
            error=pack(detail),
            reason=decision.reason,
            line=pack(line),
            stream=FAILURES,
        )
        return Finished(attempt, outcome, name=decision.state.value, run_s=run_s, error=error)

    def crashed(self, attempt: Attempt, cause: str) -> Finished:
        """The process that ran it alone died of `cause`."""
        decision = decide_crashed(attempt.claim, cause, max_crashes=self._config.max_crashes)
        return self._died(attempt, decision, cause)

    def lost(self, attempt: Attempt, cause: str) -> Finished:
        """The process that ran it ended, for a reason that lies elsewhere."""
        return self._died(attempt, decide_lost(attempt.claim), cause)

    def never_started(self, attempt: Attempt) -> Finished:
        """No process could be had for it in its time: as if it had not been claimed."""
        decision = Decision(State.PENDING, Charge.RETURNED, reason="no process could be started for it")
        return Finished(attempt, _plain(attempt.claim, decision))

    def retry_of(self, attempt: Attempt) -> Retry:
        """The job's own backoff, else its task's, else the configured one."""
        if attempt.options.backoff is not None:
            return Retry.from_data(attempt.options.backoff, max_attempts=attempt.claim.max_attempts)
        return attempt.task.retry or self._retry

    def _followed(self, claim: Claim, options: JobOptions, value: Any) -> tuple[NewJob, ...]:
        return tuple(self._partitions.route(job) for job in follow_up(claim, options, value))

    def _given_up(self, attempt: Attempt, run_s: float) -> Finished:
        """Its worker stops: somebody else runs it from the start, and no try is used up."""
        decision = Decision(State.PENDING, Charge.RETURNED, reason="its worker stopped before it was done")
        return Finished(attempt, _plain(attempt.claim, decision), run_s=run_s)

    def _died(self, attempt: Attempt, decision: Decision, cause: str) -> Finished:
        ended = time.monotonic()
        line = self._line(attempt, decision.state, ended, error_type=DIED_ALONE, error_line=cause[:200])
        outcome = Outcome(
            raw=attempt.claim.raw,
            token=attempt.claim.token,
            state=decision.state,
            charge=decision.charge,
            error=pack(ErrorDetail(DIED_ALONE, cause, "")),
            reason=decision.reason,
            line=pack(line),
            stream=FAILURES,
        )
        name = "dead" if decision.state is State.DEAD else "lost"
        return Finished(attempt, outcome, name=name, run_s=ended - attempt.started, error=ProcessDiedError(cause))

    def _line(
        self, attempt: Attempt, state: State, ended: float, *, error_type: str = "", error_line: str = ""
    ) -> AttemptLine:
        claim = attempt.claim
        started_ms = attempt.started_ms or self._time.now_ms()
        return line_of(
            claim,
            state,
            started_ms=started_ms,
            finished_ms=started_ms + (int((ended - attempt.started) * 1000) if attempt.started else 0),
            worker=self.worker,
            error_type=error_type,
            error_line=error_line,
        )


def unreadable(claim: Claim) -> Outcome:
    """What the job carries is no options: a store or a newer version wrote what cannot be read here."""
    return _plain(claim, Decision(State.DEAD, reason="its options cannot be read"))


def unknown_task(claim: Claim) -> Outcome:
    """This worker does not know the task: the job waits for one that does, and no try is used up."""
    decision = Decision(State.HELD, Charge.RETURNED, reason=f"no worker here knows task {claim.task}")
    return _plain(claim, decision, held_at=task_gate(claim.task))


def not_isolated_here(claim: Claim) -> Outcome:
    """An isolated task, and workers inside an application: the job waits for one that can isolate it."""
    reason = f"task {claim.task} runs isolated, which takes runworkers: a worker inside an application cannot do it"
    return _plain(claim, Decision(State.HELD, Charge.RETURNED, reason=reason), held_at=task_gate(claim.task))


def expired(claim: Claim, options: JobOptions) -> Outcome | None:
    """A job whose turn came too late is not started; None when it is in time."""
    decision = decide_late(claim, options.deadline_ms(claim.enqueued_ms))
    return None if decision is None else _plain(claim, decision)


def _plain(claim: Claim, decision: Decision, *, held_at: str = "") -> Outcome:
    return Outcome(
        raw=claim.raw,
        token=claim.token,
        state=decision.state,
        charge=decision.charge,
        delay_ms=decision.delay_ms,
        reason=decision.reason,
        held_at=held_at,
    )


def _as_told(attempt: Attempt, error: BaseException) -> BaseException:
    """The error as its reader should see it: without our frames, and an interruption by its everyday name."""
    trace = _handlers_part(error.__traceback__)
    if isinstance(error, Interrupt | asyncio.CancelledError) and attempt.interrupt is not None:
        if attempt.interrupt is TimeoutInterrupt and not attempt.is_cancelled:
            allowed = attempt.deadline - attempt.started
            return TimeoutError(f"ran longer than its timeout of {allowed:g} s").with_traceback(trace)
        return Cancelled(CANCELLED_WHILE_RUNNING).with_traceback(trace)
    return error.with_traceback(trace)


def _handlers_part(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the first frame that is not the worker's own; whole when there is no such frame."""
    part = trace
    while part is not None and part.tb_frame.f_globals.get("__name__", "").startswith(_HERE):
        part = part.tb_next
    return part or trace
