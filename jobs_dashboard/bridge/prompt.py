"""A store as the web asks it: an answer within two seconds, or StoreUnavailable; a hung store holds no request up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from core.backends.contract import Backend
from core.errors import StoreUnavailable

PATIENCE_S: Final = 1.7
_THREADS: Final = 16
# What pages, commands of the web and the API ask. Workers' verbs wait on purpose, and keep their own time.
_BOUNDED: Final = frozenset(
    [
        "enqueue",
        "act",
        "sweep",
        "pause",
        "resume",
        "purge",
        "order",
        "workers",
        "put_schedule",
        "switch_schedule",
        "remove_schedule",
        "schedules",
        "now_ms",
        "counts",
        "get",
        "page",
        "ahead",
        "gate",
        "journal",
        "minutes",
        "ping",
        "refusal",
    ]
)


class PromptBackend:
    """Passes a store's verbs on, from threads of its own, and waits for them so long and no longer.

    A call that was given up after it began may still act: its caller takes it for a lost reply, which every verb
    allows for. While it has not come back, further calls fail at once instead of piling up behind it.
    """

    def __init__(self, open_store: Callable[[], Backend], *, patience_s: float = PATIENCE_S) -> None:
        self._open_store = open_store
        self._patience_s = patience_s
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="jobs-store")
        self._opening = threading.Lock()
        self._store: Backend | None = None
        self._stalled: Future[Any] | None = None

    def open(self) -> None:
        """Nothing yet: the first question opens it."""

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._store is not None:
            self._store.close()

    def __getattr__(self, name: str) -> Any:
        return partial(self._ask, name) if name in _BOUNDED else getattr(self._opened(), name)

    def _ask(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        stalled = self._stalled
        if stalled is not None and not stalled.done():
            raise StoreUnavailable("the store has not answered an earlier question yet")
        asked = self._threads.submit(self._pass_on, verb, args, kwargs)
        try:
            return asked.result(self._patience_s)
        except TimeoutError:
            if asked.done():
                raise  # the store's own
            if not asked.cancel():  # one that waits behind others has not begun, and never will
                self._stalled = asked
            raise StoreUnavailable(f"the store did not answer within {self._patience_s} s") from None

    def _pass_on(self, verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return getattr(self._opened(), verb)(*args, **kwargs)

    def _opened(self) -> Backend:
        with self._opening:
            if self._store is None:
                self._store = self._open_store()
            return self._store
