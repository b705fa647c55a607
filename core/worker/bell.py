"""What wakes the store thread: its own bell, and the store's doorbell that rings when work may have arrived."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from ..backends.contract import Backend
from ..errors import StoreError

LONGEST_WAIT_S: Final = 0.5
_PATIENT_AFTER: Final = 3  # rings in a row that brought nothing
log = structlog.get_logger("jobs.worker")


class Bell:
    """A thread sleeps on it until another rings or a time has passed."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def sleep(self, timeout_s: float) -> None:
        """Sleep until rung; a ring before counts."""
        if timeout_s > 0:
            self._rung.wait(timeout_s)
        self._rung.clear()


class Doorbell:
    """A thread that waits at the store while the worker has nothing to do, and says so when something may be there.

    rest_s: how long to keep off after rings that brought nothing (other workers were faster).
    """

    def __init__(self, backend: Backend, on_ring: Callable[[], None], *, rest_s: float) -> None:
        self._backend = backend
        self._on_ring = on_ring
        self._rest_s = rest_s
        self._armed = threading.Event()
        self._closed = threading.Event()
        self._queues: tuple[str, ...] = ()
        self._fruitless = 0
        self._thread = threading.Thread(target=self._run, name="jobs-doorbell", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def arm(self, queues: tuple[str, ...]) -> None:
        """Listen to these queues until it rings, or `disarm`."""
        self._queues = queues
        self._armed.set()

    def disarm(self, *, was_fruitful: bool) -> None:
        """No need to listen now; a wait at the store that is under way ends by itself."""
        self._armed.clear()
        if was_fruitful:
            self._fruitless = 0

    def close(self) -> None:
        """End the thread; takes as long as one wait at the store."""
        self._closed.set()
        self._armed.set()
        if self._thread.is_alive():
            self._thread.join(2 * LONGEST_WAIT_S)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._armed.wait()
            if self._closed.is_set():
                return
            if self._fruitless >= _PATIENT_AFTER:
                self._closed.wait(self._rest_s)
            began = time.monotonic()
            try:
                self._backend.wait(self._queues, LONGEST_WAIT_S)
            except StoreError:
                self._closed.wait(LONGEST_WAIT_S)  # the store thread tells of the outage
            except Exception:
                log.exception("listening for work failed and goes on")
                self._closed.wait(LONGEST_WAIT_S)
            else:
                if time.monotonic() - began < LONGEST_WAIT_S * 0.9 and self._armed.is_set():
                    self._armed.clear()  # it looks once for each ring, and listens again when it found nothing more
                    self._fruitless += 1
                    self._on_ring()
