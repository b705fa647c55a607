"""Servers that sentinels watch over: a connection goes to whoever is the master at that moment, and stays no longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

from .where import Node

_ANSWER_SECONDS: Final = 1.0  # there are others to ask
_LOOK_EVERY_SECONDS: Final = 1.0
_LOOK_AFTER_A_FAILURE_SECONDS: Final = 5.0


class Sentinels:
    """Knows the master, by asking. For the driver's connections it stands in the place of their pool.

    A master that was deposed while it lived, or was cut off, goes on taking writes for ten seconds or more, all of
    which are thrown away when it becomes a replica. So the sentinels are asked every second, not only on connecting.
    """

    is_master = True
    check_connection = False

    def __init__(self, nodes: Sequence[Node], service: str, options: Mapping[str, Any]) -> None:
        self.service_name = service
        quick = {"socket_timeout": _ANSWER_SECONDS, "socket_connect_timeout": _ANSWER_SECONDS}
        # Any, as redis-py annotates only a part of itself.
        make: Any = Sentinel
        self._sentinel = make(list(nodes), sentinel_kwargs={**options, **quick, "retry": Retry(NoBackoff(), 0)})
        self._lock = threading.Lock()
        self._master: tuple[str, int] | None = None
        self._look_at = 0.0

    def options_of_connections(self, connection_class: type[Any]) -> dict[str, Any]:
        """What makes a pool's connections ask here where to go."""
        kind = _MasterTLSConnection if "SSL" in connection_class.__name__ else _MasterConnection
        return {"connection_class": kind, "connection_pool": self}

    def is_master_at(self, host: str, port: int) -> bool:
        """Whether a server is the master still, as far as was known a second ago."""
        if time.monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._ask()
            except RedisError:
                self._look_at = time.monotonic() + _LOOK_AFTER_A_FAILURE_SECONDS
            finally:
                self._lock.release()
        return self._master in (None, (host, port))

    def get_master_address(self) -> tuple[str, int]:
        """Asked by the driver, before each connect. Raises redis.sentinel.MasterNotFoundError."""
        with self._lock:  # the driver moves the sentinel that answered to the front, which two may not do at once
            return self._ask()

    def close(self) -> None:
        with self._lock:
            for sentinel in self._sentinel.sentinels:
                sentinel.connection_pool.disconnect()

    def _ask(self) -> tuple[str, int]:
        found: tuple[str, int] = self._sentinel.discover_master(self.service_name)
        self._master, self._look_at = found, time.monotonic() + _LOOK_EVERY_SECONDS
        return found


class _MasterConnection(SentinelManagedConnection):
    """A pool calls `connect` whenever it hands a connection out, an open one too."""

    def connect(self) -> None:
        driver: Any = super()
        if not self.connection_pool.is_master_at(self.host, self.port):
            driver.disconnect()
        driver.connect()


class _MasterTLSConnection(_MasterConnection, SentinelManagedSSLConnection):
    """The same, encrypted."""
