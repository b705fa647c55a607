"""A store that is opened when it is first asked for something: for processes that most often ask nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from .contract import Backend


def deferred(opening: Callable[[], Backend]) -> Backend:
    """What `opening` will answer. It may raise StoreUnavailable then, and is called again by the next question."""
    return cast(Backend, _Deferred(opening))


class _Deferred:
    """Made before a fork and used after it, it holds nothing that a child must not share."""

    def __init__(self, opening: Callable[[], Backend]) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._opened: Backend | None = None

    def open(self) -> None:
        """Not yet."""

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with self._lock:
            if self._opened is None:
                self._opened = self._opening()
        return getattr(self._opened, name)
