"""Waits for what the workers do beside the browser."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.app import Jobs

LONGEST_S = 20.0


def until(holds: Callable[[], bool], what: str) -> None:
    """Look again until it holds; say what did not come."""
    deadline = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {LONGEST_S} s: {what}"
        time.sleep(0.05)


def until_state(store: Jobs, job_id: str, state: str) -> None:
    def is_there() -> bool:
        job = store.get(job_id)
        return job is not None and job.state == state

    until(is_there, f"{job_id} is {state}")
