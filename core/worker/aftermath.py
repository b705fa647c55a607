"""What becomes of the claims of a process that ended: unstarted ones go back free, started ones are settled as lost."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog

from ..backends.contract import Exchange
from ..errors import StoreUnavailable
from ..model.clock import as_ms
from ..model.ident import JobRef
from ..model.job import Claim, StoredJob, unpack_options
from ..model.minutes import tally
from ..model.outcome import (
    Charge,
    Decision,
    ErrorDetail,
    Outcome,
    decide,
    decide_lost,
    line_of,
)
from ..model.retry import Retry
from ..model.states import State
from .engine import Engine
from .settlement import FAILURES, pack
from .table import Entry, Phase

DIED: Final = "WorkerDied"
log = structlog.get_logger("jobs.keeper")


class Aftermath:
    """Settles in its own name: a settle is a compare-and-set on `(raw, token)`, whoever sends it."""

    def __init__(self, engine: Engine, *, name: str) -> None:
        self._engine = engine
        self._name = name
        self._calls: Counter[str] = Counter()

    def see_to(self, entries: Sequence[Entry], *, cause: str, worker: str, was_told: bool, now: int) -> None:
        """Raises StoreUnavailable; may be called again with the same entries.

        cause: why the process ended, in words. was_told: it ended by itself with these handlers still running, because
        it was asked to. now: milliseconds of the host's monotonic clock, by which the deadlines are counted.
        """
        by_queue: dict[str, list[Entry]] = {}
        for entry in entries:
            by_queue.setdefault(entry.queue, []).append(entry)
        for queue, some in by_queue.items():
            unstarted = [(entry.raw, entry.token) for entry in some if entry.phase is Phase.WAITING]
            if unstarted:
                self._engine.backend.release(queue, unstarted)
            started = [entry for entry in some if entry.phase is not Phase.WAITING]
            if started:
                self._settle(queue, started, partial(self._outcome, cause, worker, was_told, now))

    def settle_lost(self, queue: str, claims: Sequence[Claim], workers: Sequence[str]) -> int:
        """Claims whose lease ran out (rescue); answers how many of them it was that settled."""
        cause = "its lease ran out: its worker died, was stopped or was cut off from the store"
        now_ms = self._engine.backend.now_ms()
        outcomes = [
            _lost(claim, decide_lost(claim), cause, worker, now_ms, if_expired=True)
            for claim, worker in zip(claims, workers, strict=True)
        ]
        return self._send(queue, outcomes, claims)

    def close(self) -> None:
        """Have the store forget the replies it remembers for this name."""
        with contextlib.suppress(StoreUnavailable):
            self._engine.backend.forget(self._name)

    def _settle(self, queue: str, entries: Sequence[Entry], outcome_of: partial[Outcome]) -> None:
        found = self._engine.backend.get([JobRef(queue, entry.raw) for entry in entries])
        now_ms = self._engine.backend.now_ms()
        claims, outcomes = [], []
        for entry, job in zip(entries, found, strict=True):
            if job is not None and job.state is State.RUNNING and job.token == entry.token:
                claim = _claim_of(job)
                claims.append(claim)
                outcomes.append(outcome_of(now_ms, entry, claim))
        if outcomes:
            self._send(queue, outcomes, claims)

    def _outcome(
        self, cause: str, worker: str, was_told: bool, now: int, now_ms: int, entry: Entry, claim: Claim
    ) -> Outcome:
        if entry.deadline and entry.deadline <= now and entry.phase in (Phase.RUNNING, Phase.WRITTEN_OFF):
            return self._timed_out(entry, claim, worker, now_ms)
        if was_told:
            reason = "its worker stopped before it was done"
            return _lost(claim, Decision(State.PENDING, Charge.RETURNED, reason=reason), cause, worker, now_ms)
        return _lost(claim, decide_lost(claim), cause, worker, now_ms)

    def _timed_out(self, entry: Entry, claim: Claim, worker: str, now_ms: int) -> Outcome:
        allowed = (entry.deadline - entry.started) / 1000
        error = TimeoutError(f"ran longer than its timeout of {allowed:g} s and did not stop; its process was ended")
        chance = random.random()  # noqa: S311 - jitter
        deadline_ms = unpack_options(claim.options).deadline_ms(claim.enqueued_ms)
        retry = self._retry_of(claim)
        decision = decide(
            claim, error, retry, chance=chance, cancel_asked=False, now_ms=now_ms, deadline_ms=deadline_ms
        )
        return _told(claim, decision, ErrorDetail("TimeoutError", str(error), ""), worker, now_ms)

    def _retry_of(self, claim: Claim) -> Retry:
        options = unpack_options(claim.options)
        if options.backoff is not None:
            return Retry.from_data(options.backoff, max_attempts=claim.max_attempts)
        task = self._engine.registry.get(claim.task)
        config = self._engine.config
        return (task.retry if task else None) or Retry(max_attempts=config.max_attempts, base=config.retry_backoff)

    def _send(self, queue: str, outcomes: Sequence[Outcome], claims: Sequence[Claim]) -> int:
        self._calls[queue] += 1
        minutes: Counter[str] = Counter()
        for outcome, claim in zip(outcomes, claims, strict=True):
            name = "lost" if outcome.charge is Charge.LOST else outcome.state.value
            if outcome.charge is not Charge.RETURNED:
                tally(minutes, claim.task, name, wait_ms=claim.claimed_ms - claim.ready_ms, run_ms=0)
        call = Exchange(
            queue=queue,
            worker=self._name,
            call=self._calls[queue],
            outcomes=outcomes,
            lease_ms=as_ms(self._engine.config.lease),
            minutes=minutes,
        )
        refused = set(self._engine.backend.exchange(call).refused)
        for outcome, claim in zip(outcomes, claims, strict=True):
            if outcome.raw not in refused:
                told = outcome.reason or f"{outcome.state.value} by its timeout"
                log.warning("job taken from a dead worker", job=str(claim.ref), task=claim.task, now=told)
        return len(outcomes) - len(refused)


def _claim_of(job: StoredJob) -> Claim:
    """A running job as it was handed to its worker."""
    return Claim(
        queue=job.ref.queue,
        raw=job.ref.raw,
        token=job.token,
        task=job.task,
        arguments=job.arguments,
        options=job.options,
        priority=job.priority,
        max_attempts=job.max_attempts,
        attempts=job.attempts,
        forgiven=job.forgiven,
        losses=job.losses,
        enqueued_ms=job.enqueued_ms,
        ready_ms=job.claimed_ms,
        claimed_ms=job.claimed_ms,
    )


def _lost(
    claim: Claim, decision: Decision, cause: str, worker: str, now_ms: int, *, if_expired: bool = False
) -> Outcome:
    return _told(claim, decision, ErrorDetail(DIED, cause, ""), worker, now_ms, if_expired=if_expired)


def _told(
    claim: Claim, decision: Decision, detail: ErrorDetail, worker: str, now_ms: int, *, if_expired: bool = False
) -> Outcome:
    line = line_of(
        claim,
        decision.state,
        started_ms=claim.claimed_ms,
        finished_ms=now_ms,
        worker=worker,
        error_type=detail.type,
        error_line=detail.message[:200],
    )
    return Outcome(
        raw=claim.raw,
        token=claim.token,
        state=decision.state,
        charge=decision.charge,
        delay_ms=decision.delay_ms,
        error=pack(detail),
        reason=decision.reason,
        line=pack(line),
        stream="" if decision.charge is Charge.RETURNED else FAILURES,
        if_expired=if_expired,
    )
