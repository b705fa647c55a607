"""Looks after running handlers: past their timeout, cancelled, or without a lease, they are made to stop."""

from __future__ import annotations

from typing import Final

import structlog

from .attempt import Attempt
from .interrupts import LeaseInterrupt, StopInterrupt, TimeoutInterrupt
from .slots import Slots
from .timeouts import RECYCLE_S, STUBBORN_S

LOOK_EVERY_S: Final = 0.25
log = structlog.get_logger("jobs.worker")


class Deadlines:
    """One look at a time; times are seconds of the host's monotonic clock."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def look(self, now: float) -> float:
        """Interrupt what has to stop; answers when to look again."""
        soonest = now + LOOK_EVERY_S
        for attempt in self._slots.running():
            self._look_at(attempt, now)
            if attempt.interrupt is None:
                soonest = min(soonest, attempt.deadline)
        return soonest

    def interrupt_all(self, now: float) -> None:
        """Stop whatever runs: the grace period is over."""
        for attempt in self._slots.running():
            attempt.ask_to_stop(StopInterrupt, now)

    def must_recycle(self, now: float) -> bool:
        """Whether the process of a handler that will not stop should end now: the others are done, or waited long."""
        stuck = [attempt for attempt in self._slots.running() if attempt.is_written_off]
        if not stuck:
            return False
        is_drained = self._slots.busy == len(stuck) and not self._slots.waiting and not self._slots.finished
        return is_drained or now - min(attempt.deadline for attempt in stuck) >= RECYCLE_S

    def _look_at(self, attempt: Attempt, now: float) -> None:
        if self._slots.region.notice(attempt.index) == attempt.claim.token and attempt.interrupt is not LeaseInterrupt:
            attempt.ask_to_stop(LeaseInterrupt, now)
        elif attempt.deadline <= now and attempt.interrupt not in (TimeoutInterrupt, LeaseInterrupt, StopInterrupt):
            attempt.ask_to_stop(TimeoutInterrupt, now)
        elif attempt.interrupt is not None and not attempt.was_struck:
            attempt.ask_to_stop(attempt.interrupt, now)
        if now - attempt.deadline >= STUBBORN_S and not attempt.is_written_off and not attempt.is_isolated:
            self._slots.write_off(attempt)
            log.error("handler does not stop, slot written off", job=str(attempt.claim.ref), task=attempt.claim.task)
