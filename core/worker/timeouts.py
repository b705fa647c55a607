"""How long an attempt may take: the job's own timeout, else its task's, else the configured one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ..model.job import JobOptions

STUBBORN_S: Final = 5.0  # past its timeout by this, and still running after an interrupt: written off
RECYCLE_S: Final = 30.0  # past its timeout by this at most, the process of a written-off handler ends


def timeout_s_of(options: JobOptions, of_task: timedelta | None, configured_s: float) -> float:
    """Seconds."""
    if options.timeout_ms:
        return options.timeout_ms / 1000
    return configured_s if of_task is None else of_task.total_seconds()
