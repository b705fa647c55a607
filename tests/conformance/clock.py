"""A clock that stands still until a test moves it."""

import threading

START_MS = 1_800_000_000_000  # a Friday in January 2027, at the start of a minute


class FakeClock:
    """Hand it to a store; every connection to the same store shares it."""

    def __init__(self, at_ms: int = START_MS) -> None:
        self._lock = threading.Lock()
        self._at_ms = at_ms

    def now_ms(self) -> int:
        with self._lock:
            return self._at_ms

    def move(self, ms: int) -> int:
        """Move by so many milliseconds, back too; answers the new time."""
        with self._lock:
            self._at_ms += ms
            return self._at_ms
