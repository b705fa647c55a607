"""What a handler may know about the attempt it runs in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """The job and attempt at hand; `state` is the application's own object (`Jobs(state=...)`).

    attempt counts from 1. token grows with every claim in the queue: hand it to what you write to, so that a late
    writer can be told from the current one.
    """

    job_id: str
    attempt: int
    max_attempts: int
    task: str
    queue: str
    token: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    state: Any = None
    cancel_asked: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked this job to stop; long handlers look at it between steps and raise Cancelled."""
        return self.cancel_asked.is_set()
