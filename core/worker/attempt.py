"""One run of a claimed job while it is in this process, and what it ended in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from ..model.job import Claim, JobOptions
from ..model.outcome import Outcome
from ..tasks.notebook import Notebook
from ..tasks.registry import AnyTask
from .interrupts import CancelInterrupt, Interrupt, LeaseInterrupt


class Seat(Protocol):
    """Where a handler runs, as seen by those who want to stop it."""

    def interrupt(self, attempt: Attempt, kind: type[Interrupt]) -> bool:
        """Stop the handler if this attempt is what runs there; False when it is not."""
        ...


class Attempt:
    """A claim, its options read, with the task that will run it. Times are seconds of the host's monotonic clock.

    index: its entry in the slot table, which `reserve` gives. deadline: when its timeout ends; 0 before the start.
    is_isolated: whether it runs in a process of its own.
    interrupt: why it was asked to stop, if it was; the newest reason counts, but a lost lease is never forgotten.
    """

    __slots__ = (
        "admitted",
        "cancel_event",
        "claim",
        "deadline",
        "index",
        "interrupt",
        "interrupted",
        "is_cancelled",
        "is_isolated",
        "is_written_off",
        "notebook",
        "noted",
        "options",
        "seat",
        "started",
        "started_ms",
        "task",
        "was_struck",
    )

    def __init__(
        self, claim: Claim, task: AnyTask, options: JobOptions, reserve: Callable[[], int], *, is_isolated: bool = False
    ) -> None:
        self.claim = claim
        self.task = task
        self.options = options
        self.is_isolated = is_isolated
        self.index = reserve()
        self.admitted = 0.0
        self.started = 0.0
        self.started_ms = 0
        self.deadline = 0.0
        self.seat: Seat | None = None
        self.interrupt: type[Interrupt] | None = None
        self.interrupted = 0.0  # when it was first asked to stop for this reason
        self.was_struck = False  # whether that reached the handler
        self.is_cancelled = False  # somebody cancelled the job while it ran
        self.is_written_off = False
        self.notebook: Notebook | None = None  # what its handler writes its notes in, if it may
        self.noted = 0.0  # when they were last sent to the store
        self.cancel_event: threading.Event | None = None  # what its JobContext reads, if it has one

    @property
    def is_for_loop(self) -> bool:
        """Whether it runs on the worker's event loop."""
        return self.task.is_async and not self.is_isolated

    def ask_to_stop(self, kind: type[Interrupt], now: float) -> None:
        """Interrupt the handler, or keep it from starting; called again while `was_struck` says it did not arrive."""
        if self.interrupt is not LeaseInterrupt and self.interrupt is not kind:
            self.interrupt, self.interrupted = kind, now
            self.is_cancelled = self.is_cancelled or kind is CancelInterrupt
        if self.cancel_event is not None and kind in (CancelInterrupt, LeaseInterrupt):
            self.cancel_event.set()
        self.was_struck = self.seat is not None and self.seat.interrupt(self, self.interrupt or kind)


class Finished:
    """An attempt that ended and is to be settled.

    outcome: None when there is nothing to say because the claim is no longer ours. name: what the minute counts it as,
    "" for nothing. run_s: how long the handler took. error: what it failed with.
    """

    __slots__ = ("attempt", "error", "name", "outcome", "run_s")

    def __init__(
        self,
        attempt: Attempt,
        outcome: Outcome | None,
        *,
        name: str = "",
        run_s: float = 0.0,
        error: BaseException | None = None,
    ) -> None:
        self.attempt = attempt
        self.outcome = outcome
        self.name = name
        self.run_s = run_s
        self.error = error
