"""Per-minute counters: what a worker adds up before it settles, and the edges of the histograms.

A metric is written `task|name`: name is one of `completed failed dead cancelled lost`, `wait:<bucket>`, `run:<bucket>`,
`wait_ms`, `run_ms`. A store keeps `minute -> metric -> sum` for each queue.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

EDGES_MS: Final = (
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    3_600_000,
)
MINUTE_MS: Final = 60_000
COUNTED: Final = frozenset({"completed", "failed", "dead", "cancelled", "lost"})


def minute_of(at_ms: int) -> int:
    """The minute that a time falls in, counted from 1970."""
    return at_ms // MINUTE_MS


def bucket_of(duration_ms: int) -> int:
    """The histogram bucket of a duration: i means at most EDGES_MS[i]; the last one is open."""
    return bisect_left(EDGES_MS, duration_ms)


def tally(into: Counter[str], task: str, name: str, *, wait_ms: int, run_ms: int) -> None:
    """Add one settled attempt to the sums of a batch."""
    into[f"{task}|{name}"] += 1
    into[f"{task}|wait:{bucket_of(wait_ms)}"] += 1
    into[f"{task}|run:{bucket_of(run_ms)}"] += 1
    into[f"{task}|wait_ms"] += max(0, wait_ms)
    into[f"{task}|run_ms"] += max(0, run_ms)
