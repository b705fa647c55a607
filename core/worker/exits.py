"""How the processes of the worker wing end, as exit codes: what one says, its supervisor and keeper understand."""

from __future__ import annotations

import os
import signal
from typing import Final

OK: Final = 0
FAILED: Final = 1
CUT_SHORT: Final = 70  # stopped with handlers still running after the grace period
RECYCLED: Final = 71  # ended because a handler ran past its timeout and would not stop
REPLACED: Final = 72  # ended by plan, with nothing left to do, so that a fresh process takes its place
REFUSED: Final = 78  # starting again would not help: a wrong setting, or a store of a newer format


def cause_of(wait_status: int) -> str:
    """Why a process ended, in words."""
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        hint = ", perhaps out of memory" if number == signal.SIGKILL else ""
        return f"killed by signal {number} ({signal.Signals(number).name}{hint})"
    code = os.waitstatus_to_exitcode(wait_status)
    known = {
        OK: "ended",
        CUT_SHORT: "stopped before it was done",
        REPLACED: "ended to be replaced",
        RECYCLED: "recycled because another of its handlers would not stop",
    }
    return known.get(code, f"exited with code {code}")


def cause_alone(wait_status: int) -> str:
    """Why an isolated child ended without an answer, in words."""
    if os.WIFSIGNALED(wait_status):
        return cause_of(wait_status)
    return f"exited with code {os.waitstatus_to_exitcode(wait_status)} before its handler returned"
