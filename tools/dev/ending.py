"""How a signal ends `./dev run`: at once wherever it is, but never between a start and the note that it started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal asked for the end. Not an Exception: nothing on the way may take it for a failure."""


class _Hold:
    """Whether signals have to wait, and whether one is waiting."""

    depth = 0
    is_asked = False


def listen() -> None:
    """From now on the signals that end a program raise Ended."""
    for number in SIGNALS:
        signal.signal(number, _end)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait for the end of the block."""
    _Hold.depth += 1
    try:
        yield
    finally:
        _Hold.depth -= 1
    if _Hold.is_asked and not _Hold.depth:
        _Hold.is_asked = False
        raise Ended


def _end(_number: int, _frame: FrameType | None) -> None:
    if _Hold.depth:
        _Hold.is_asked = True
        return
    raise Ended
