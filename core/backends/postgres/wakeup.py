"""Learning that a queue has something new: NOTIFY heard on a connection of its own, polling where it cannot be."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import psycopg

from .address import Address
from .pool import SETTINGS

QUIET_S: Final = 0.1  # a process tells of a queue at most this often
_RECHECK_S: Final = 0.15  # and what it did not tell of is found by those who look again after the last time it did
_POLL_S: Final = 1.0
_POLL_DEAF_S: Final = 0.25
_RECONNECT_S: Final = 1.0


class Bell:
    """Writers ring, sleepers hear it: at once in this process, through the server in others."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._heard = threading.Condition()
        self._rings: defaultdict[str, int] = defaultdict(int)
        self._heard_at: dict[str, float] = {}
        self._told_at: dict[str, float] = {}
        self._listener: _Listener | None = None
        self._is_closed = False

    def loud(self, names: Collection[str]) -> list[str]:
        """Those of some queues that other processes are to be told of now."""
        since = time.monotonic() - QUIET_S
        return sorted(name for name in names if self._told_at.get(name, 0.0) <= since)

    def rang(self, names: Collection[str], loud: Collection[str]) -> None:
        """What was rung is committed."""
        now = time.monotonic()
        self._told_at.update(dict.fromkeys(loud, now))
        self._hear(names)

    def sleep(self, queues: Sequence[str], look: Callable[[], float | None], timeout_s: float) -> None:
        """Until `look()` answers 0 or the time is over; it answers the seconds until there is work, None: none."""
        until = time.monotonic() + timeout_s
        self._listen()
        while not self._is_closed:
            seen = self._count(queues)
            due_s = look()
            left_s = until - time.monotonic()
            if due_s == 0 or left_s <= 0:
                return
            nap_s = min(left_s, self._patience(queues), left_s if due_s is None else due_s)
            with self._heard:
                self._heard.wait_for(partial(self._has_rung, queues, seen), nap_s)

    def close(self) -> None:
        """Wake everyone for good."""
        self._is_closed = True
        if self._listener is not None:
            self._listener.close()
        self._hear(())

    def _hear(self, names: Collection[str]) -> None:
        with self._heard:
            for name in names:
                self._rings[name] += 1
                self._heard_at[name] = time.monotonic()
            self._heard.notify_all()

    def _count(self, queues: Sequence[str]) -> int:
        return sum(self._rings[name] for name in queues)

    def _has_rung(self, queues: Sequence[str], seen: int) -> bool:
        return self._is_closed or self._count(queues) != seen

    def _patience(self, queues: Sequence[str]) -> float:
        """How long to trust the silence."""
        rung_s = time.monotonic() - max((self._heard_at.get(name, 0.0) for name in queues), default=0.0)
        if rung_s < _RECHECK_S:
            return _RECHECK_S - rung_s
        return _POLL_S if self._listener is not None and self._listener.hears else _POLL_DEAF_S

    def _listen(self) -> None:
        with self._heard:
            if self._listener is None and self._address.listens and not self._is_closed:
                self._listener = _Listener(self._address, self._hear)
                self._listener.start()


class _Listener(threading.Thread):
    """Listens for as long as its bell is open; after a loss it comes back by itself."""

    def __init__(self, address: Address, hear: Callable[[Collection[str]], None]) -> None:
        super().__init__(name="jobs-postgres-listen", daemon=True)
        self.hears = False
        self._address = address
        self._hear = hear
        self._told, self._tell = socket.socketpair()

    def run(self) -> None:
        is_over = False
        while not is_over:
            try:
                with psycopg.connect(self._address.conninfo, **SETTINGS) as db:
                    db.execute(f"LISTEN {self._address.schema}")
                    self.hears = True
                    is_over = self._follow(db)
            except psycopg.Error:
                is_over = self._is_told_to_end(_RECONNECT_S)
            finally:
                self.hears = False
        self._told.close()

    def close(self) -> None:
        self._tell.close()

    def _follow(self, db: psycopg.Connection[tuple[object, ...]]) -> bool:
        """Hear what is told until it is time to end (True); raises psycopg.Error when the connection is lost."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(db.fileno(), selectors.EVENT_READ)
            waiting.register(self._told, selectors.EVENT_READ)
            while True:
                self._hear({notify.payload for notify in db.notifies(timeout=0)})
                if any(key.fileobj is self._told for key, _ in waiting.select()):
                    return True

    def _is_told_to_end(self, within_s: float) -> bool:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._told, selectors.EVENT_READ)
            return bool(waiting.select(within_s))
