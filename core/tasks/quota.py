"""What an isolated task may use: memory and CPU time, as a declaration says them."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any, Final

from ..errors import ConfigError, as_timedelta

LEAST_BYTES: Final = 16 << 20  # the interpreter alone takes about as much
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_FORM: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([KMG])I?)?B?\s*", re.IGNORECASE)


def memory_bytes(limit: str | int) -> int:
    """Bytes of "512MB", "1.5 GiB" or a number; 0 for "" and 0, which are no limit. K, M and G count in steps of 1,024.

    Raises ConfigError.
    """
    found = _bytes_of(limit)
    if found is None or (found and found < LEAST_BYTES):
        raise ConfigError(f"memory_limit={limit!r}: give bytes or a text such as '512MB', from 16MB on")
    return found


def cpu_seconds(limit: timedelta | float | None) -> int:
    """Whole seconds, rounded up; 0 for None. Raises ConfigError."""
    span = as_timedelta(limit)
    if span is None:
        return 0
    if span <= timedelta(0):
        raise ConfigError("a task's cpu_limit is longer than nothing")
    return math.ceil(span.total_seconds())


def _bytes_of(limit: Any) -> int | None:
    if isinstance(limit, bool):
        return None
    if isinstance(limit, int):
        return limit if limit >= 0 else None
    if not isinstance(limit, str):
        return None
    if not limit:
        return 0
    found = _FORM.fullmatch(limit)
    return None if found is None else int(float(found[1]) * _UNITS[(found[2] or "").upper()])
