"""How many claims a worker holds beyond its free slots: what it will start within the next moment, and no more.

A buffer of short jobs makes one store call serve many of them; a buffer of long ones would keep them from workers
that are free. The size follows Little's law: slots times window over run time.
"""

from __future__ import annotations

from typing import Final

WINDOW_S: Final = 0.02  # a claim should not wait in the buffer longer than this
TRIPS: Final = 4  # with a slow store the window grows to this many of its round trips
LONGEST_TRIP_S: Final = 0.025  # an outage is no round trip
_FALL: Final = 0.2  # how fast the estimate follows shorter runs; longer ones count half at once
_TRIP_SHARE: Final = 0.2


class Pace:
    """An estimate of run time and round trip, and the buffer that follows from it. Not thread-safe."""

    def __init__(self, *, slots: int, most: int) -> None:
        self._slots = slots
        self._most = most
        self._run_s: float | None = None
        self._trip_s = 0.0

    def ran(self, mean_s: float) -> None:
        """Some jobs ran this long on average."""
        if self._run_s is None:
            self._run_s = mean_s
        share = 0.5 if mean_s > self._run_s else _FALL
        self._run_s += share * (mean_s - self._run_s)

    def exchanged(self, trip_s: float) -> None:
        """A store call took this long."""
        self._trip_s += _TRIP_SHARE * (min(trip_s, LONGEST_TRIP_S) - self._trip_s)

    def stalled(self) -> None:
        """Buffered claims did not start: runs are longer than was thought, until they show otherwise."""
        self._run_s = max(self._run_s or 0.0, 2 * WINDOW_S * self._slots)

    @property
    def buffer(self) -> int:
        """Claims to hold unstarted; none before the first job has shown how long one takes."""
        if self._run_s is None:
            return 0
        window = max(WINDOW_S, TRIPS * self._trip_s)
        return min(self._most, int(self._slots * window / max(self._run_s, 1e-6)))
