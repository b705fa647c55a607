"""What the handler of an isolated child notes, on its way to the worker that keeps it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ..tasks.notebook import Page
from .attempt import Attempt

PAUSE_S: Final = 0.1  # between two messages, so that a talkative handler costs no more than that


class Courier:
    """Sends from a thread of its own: the main thread may be interrupted in the middle of a message."""

    def __init__(self, send: Callable[[Page], None]) -> None:
        self._send = send
        self._attempt: Attempt | None = None
        self._thread: threading.Thread | None = None
        self._has_news = threading.Event()
        self._is_over = threading.Event()

    def announce(self, attempt: Attempt) -> None:
        """There is something new in the notebook of this attempt, the only one of its process."""
        self._has_news.set()
        if self._thread is None:
            self._attempt = attempt
            self._thread = threading.Thread(target=self._run, name="jobs-notes", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Send what is left, and nothing more from here on."""
        self._is_over.set()
        self._has_news.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):  # the worker is gone, and with it whoever would keep this
            while not self._is_over.is_set():
                self._has_news.wait()
                self._has_news.clear()
                self._deliver()
                self._is_over.wait(PAUSE_S)
            self._deliver()

    def _deliver(self) -> None:
        assert self._attempt is not None
        page = None if self._attempt.notebook is None else self._attempt.notebook.take()
        if page is not None:
            self._send(page)
