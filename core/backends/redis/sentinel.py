"""Servers that sentinels watch over: each new connection goes to whoever is the master at that moment."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

from .where import Node

_ANSWER_SECONDS: Final = 1.0  # there are others to ask


class Sentinels:
    """Knows the master, by asking. For the driver's connections it stands in the place of their pool."""

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
        self._pools: weakref.WeakSet[Any] = weakref.WeakSet()

    def options_of_connections(self, connection_class: type[Any]) -> dict[str, Any]:
        """What makes a pool's connections ask here where to go."""
        is_tls = "SSL" in connection_class.__name__
        kind = SentinelManagedSSLConnection if is_tls else SentinelManagedConnection
        return {"connection_class": kind, "connection_pool": self}

    def watch(self, pool: Any) -> None:
        """Close the idle connections of a pool whenever another server has become the master."""
        self._pools.add(pool)

    def get_master_address(self) -> tuple[str, int]:
        """Asked by the driver, before each connect. Raises redis.sentinel.MasterNotFoundError."""
        with self._lock:  # the driver moves the sentinel that answered to the front, which two may not do at once
            found: tuple[str, int] = self._sentinel.discover_master(self.service_name)
            has_moved, self._master = self._master not in (None, found), found
        if has_moved:
            for pool in list(self._pools):
                pool.disconnect(inuse_connections=False)
        return found

    def close(self) -> None:
        for sentinel in self._sentinel.sentinels:
            sentinel.connection_pool.disconnect()
