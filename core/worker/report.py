"""What is told of settled attempts: to the log, and to the observers an application has registered."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Sequence
from typing import Final

import structlog

from ..config import Config
from ..model.job import StoredJob
from ..model.outcome import first_line
from ..model.snapshot import JobSnapshot
from ..model.states import State
from ..tasks.notebook import Page
from ..tasks.registry import Registry
from .attempt import Attempt, Finished
from .storetime import StoreTime

EVENTS: Final = {State.COMPLETED: "completed", State.FAILED: "failed", State.DEAD: "dead"}
WAITING_NOTICES: Final = 10_000  # beyond it observers lag too far behind, and are told no more until they catch up

log = structlog.get_logger("jobs.worker")


class Report:
    """Failed and dead are told at INFO; started and completed at DEBUG, or at INFO when the configuration asks."""

    def __init__(self, config: Config, registry: Registry, store_time: StoreTime) -> None:
        self._registry = registry
        self._time = store_time
        self._tells_all = config.log_jobs or logging.getLogger("jobs.worker").isEnabledFor(logging.DEBUG)
        self._say = log.info if config.log_jobs else log.debug
        self._observed: queue.Queue[Finished | None] = queue.Queue(WAITING_NOTICES)
        self._observer: threading.Thread | None = None

    def started(self, attempt: Attempt) -> None:
        if self._tells_all:
            claim = attempt.claim
            self._say("job started", job=str(claim.ref), task=claim.task, attempt=claim.attempts)

    def settled(self, accepted: Sequence[Finished]) -> None:
        """The store accepted these; called by the store thread."""
        observed = {state for state, event in EVENTS.items() if self._registry.observers(event)}
        for finished in accepted:
            state = finished.outcome.state if finished.outcome is not None else None
            if state in (State.FAILED, State.DEAD) or self._tells_all:
                self._log(finished)
            if state in observed:
                self._enqueue(finished)

    def close(self, timeout_s: float) -> None:
        """Let the observers see what is still queued."""
        if self._observer is not None:
            with contextlib.suppress(queue.Full):  # an observer hangs: the worker ends without it
                self._observed.put(None, timeout=timeout_s)
            self._observer.join(timeout_s)

    def _log(self, finished: Finished) -> None:
        claim, outcome = finished.attempt.claim, finished.outcome
        assert outcome is not None
        told = {"job": str(claim.ref), "task": claim.task, "attempt": claim.attempts}
        if outcome.state is State.DEAD:
            log.warning("job dead", **told, reason=outcome.reason, error=_said(finished))
        elif outcome.state is State.FAILED:
            log.info("job failed", **told, error=_said(finished), retry_in_s=round(outcome.delay_ms / 1000, 1))
        else:
            self._say(f"job {outcome.state.value}", **told, took_ms=round(finished.run_s * 1000))

    def _enqueue(self, finished: Finished) -> None:
        if self._observer is None:
            self._observer = threading.Thread(target=self._observe, name="jobs-observers", daemon=True)
            self._observer.start()
        try:
            self._observed.put_nowait(finished)
        except queue.Full:
            log.warning("observers lag behind, one was not told", job=str(finished.attempt.claim.ref))

    def _observe(self) -> None:
        while (finished := self._observed.get()) is not None:
            snapshot = JobSnapshot(_stored(finished, self._time.now_ms()))
            for observer in self._registry.observers(EVENTS[snapshot.state]):
                try:
                    observer(snapshot)
                except Exception:
                    log.exception("an observer failed", observer=repr(observer), job=snapshot.id)


def _said(finished: Finished) -> str:
    error = finished.error
    return "" if error is None else first_line(f"{type(error).__name__}: {error}")


def _stored(finished: Finished, now_ms: int) -> StoredJob:
    """The job as the accepted settle left it."""
    claim, outcome = finished.attempt.claim, finished.outcome
    assert outcome is not None
    noted = Page() if finished.attempt.notebook is None else finished.attempt.notebook.all()
    is_completed = outcome.state is State.COMPLETED
    return StoredJob(
        ref=claim.ref,
        state=outcome.state,
        score=0,
        task=claim.task,
        arguments=claim.arguments,
        options=claim.options,
        priority=claim.priority,
        max_attempts=claim.max_attempts,
        enqueued_ms=claim.enqueued_ms,
        attempts=claim.attempts,
        forgiven=claim.forgiven,
        losses=claim.losses,
        token=claim.token,
        claimed_ms=claim.claimed_ms,
        finished_ms=now_ms if outcome.state.is_final else 0,
        due_ms=now_ms + outcome.delay_ms if outcome.state is State.FAILED else 0,
        reason=outcome.reason,
        result=outcome.result,
        error=outcome.error,
        lines=(outcome.line,) if outcome.line else (),
        progress=None if is_completed else noted.progress,
        checkpoint=b"" if is_completed else claim.checkpoint if noted.checkpoint is None else noted.checkpoint,
        log=noted.log or b"",
    )
