"""What a handler may know about the attempt it runs in, and what it tells of itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from ..model.masking import without_secrets
from ..model.progress import pack_checkpoint, pack_progress
from .notebook import Notebook, Page

_said = structlog.get_logger("jobs.handler")


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """The job and attempt at hand; `state` is the application's own object (`Jobs(state=...)`).

    attempt counts from 1. token grows with every claim in the queue: hand it to what you write to, so that a late
    writer can be told from the current one. arguments: what the handler is called with, by name; a middleware may
    change them. cursor: the last checkpoint of the attempts before; None when there is
    none.
    """

    job_id: str
    attempt: int
    max_attempts: int
    task: str
    queue: str
    token: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict, repr=False)
    state: Any = None
    cursor: Any = None
    cancel_asked: threading.Event = field(default_factory=threading.Event, repr=False)
    notebook: Notebook = field(default_factory=partial(Notebook, _nothing), repr=False)
    now: Callable[[], datetime] = field(default=partial(datetime.now, UTC), repr=False)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked this job to stop; long handlers look at it between steps and raise Cancelled."""
        return self.cancel_asked.is_set()

    def progress(self, done: int | float, total: int | float | None = None, message: str = "") -> None:
        """Say how far the work is: `ctx.progress(3, 10, "pages")`. Cheap; the store hears of it about once a second.

        Raises InvalidInput unless done, and total where there is one, are numbers from 0 on.
        """
        self.notebook.write(Page(progress=pack_progress(done, total, message)))

    def checkpoint(self, cursor: Any) -> None:
        """Leave a place to go on from: the next attempt finds it in `cursor`. Data of at most 64 KiB; None clears it.

        It reaches the store within about a second, and before the attempt is settled: what was done since may be done
        again. Raises InvalidInput, PayloadTooLarge.
        """
        self.notebook.write(Page(checkpoint=pack_checkpoint(cursor)))

    def log(self, message: str, /, **fields: Any) -> None:
        """A line kept with the job (of an attempt 64 KiB: head and tail), that also goes to the log of the process.

        What is certainly a secret is masked.
        """
        words = " ".join([str(message), *(f"{name}={value!r}" for name, value in fields.items())])
        moment = self.now().isoformat(timespec="milliseconds").removesuffix("+00:00")
        self.notebook.add_line(f"{moment}Z {without_secrets(words)}")
        fields.pop("event", None)
        _said.info(str(message), **(fields | {"job": self.job_id, "task": self.task, "attempt": self.attempt}))
