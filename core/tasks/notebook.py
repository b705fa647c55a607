"""The notebook of a running attempt: what its handler tells of itself, until somebody takes it to the store."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from ..model.limits import MAX_TEXT_BYTES
from ..model.outcome import cut_text

_MARK_BYTES: Final = 64
_HEAD_BYTES: Final = MAX_TEXT_BYTES // 2
_TAIL_BYTES: Final = MAX_TEXT_BYTES - _HEAD_BYTES - _MARK_BYTES
_LINE_BYTES: Final = 8 * 1024


class Page(NamedTuple):
    """What has changed since the last one was taken; None is for what has not."""

    progress: bytes | None = None
    checkpoint: bytes | None = None
    log: bytes | None = None  # whole

    def over(self, older: Page) -> Page:
        """Both, with this one where they differ."""
        return Page(*(mine if mine is not None else theirs for mine, theirs in zip(self, older, strict=True)))


class Notebook:
    """Written by the handler, in whatever threads it has; taken by one thread. Never waits for anything but a moment.

    on_note: called after each entry, in the thread that wrote it; it must be quick. heading: the log's first line.
    """

    __slots__ = ("_fresh", "_heading", "_lock", "_log", "_taken", "on_note")

    def __init__(self, on_note: Callable[[], None], *, heading: str = "") -> None:
        self.on_note = on_note
        self._heading = heading
        self._lock = threading.Lock()
        self._fresh = self._taken = Page()
        self._log: Log | None = None

    def write(self, page: Page) -> None:
        """Entries that take the place of those before."""
        with self._lock:
            self._fresh = page.over(self._fresh)
        self.on_note()

    def add_line(self, line: str) -> None:
        """One more line of the log."""
        with self._lock:
            if self._log is None:
                self._log = Log()
                if self._heading:
                    self._log.add(self._heading)
            self._log.add(line)
            self._fresh = self._fresh._replace(log=b"")  # it is put together when it is taken
        self.on_note()

    def take(self) -> Page | None:
        """What is new, which is from now on the taker's; None when nothing is."""
        with self._lock:
            page, self._fresh = self._whole(self._fresh), Page()
            self._taken = page.over(self._taken)
        return None if page == Page() else page

    def all(self) -> Page:
        """Everything noted, taken or not."""
        with self._lock:
            return self._whole(self._fresh).over(self._taken)

    def _whole(self, page: Page) -> Page:
        return page if page.log is None or self._log is None else page._replace(log=self._log.text())


class Log:
    """Lines within 64 KiB: the first and the last of them, with a mark between that tells what was left out."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._left_out = 0

    def add(self, line: str) -> None:
        data = (cut_text(line, _LINE_BYTES) + "\n").encode()
        if not self._tail and len(self._head) + len(data) <= _HEAD_BYTES:
            self._head += data
            return
        self._tail.append(data)
        self._tail_bytes += len(data)
        while self._tail_bytes > _TAIL_BYTES:
            gone = len(self._tail.popleft())
            self._tail_bytes -= gone
            self._left_out += gone

    def text(self) -> bytes:
        mark = f"… {self._left_out} bytes left out …\n".encode() if self._left_out else b""
        return bytes(self._head) + mark + b"".join(self._tail)
