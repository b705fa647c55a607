"""Sleeping until work arrives in a cluster: asking every queue for its wake marker, many times a second.

One blocking call cannot wait for markers of two slots, and a connection for each queue would take a marker from those
who sleep whenever its own worker is busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from redis.exceptions import RedisError

from .address import Address
from .cluster import Cluster
from .keys import Keys

_BETWEEN_SECONDS: Final = 0.04
_LONGEST_BETWEEN_SECONDS: Final = 0.25
_CPU_SHARE: Final = 0.02  # of one core; who has hundreds of queues asks less often
_BLOCK_SECONDS: Final = 0.5  # where one queue is all there is to wait for
_SHORTEST_SECONDS: Final = 0.01  # zero would block for ever
_AFTER_AN_ERROR_SECONDS: Final = 1.0


class Rounds:
    """Never raises: whoever sleeps will hear of a fault from the next verb."""

    def __init__(self, address: Address, keys: Keys) -> None:
        self._address = address
        self._keys = keys
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None
        self._closed = threading.Event()
        self._shunned: dict[str, float] = {}  # keys that got no answer, and until when nobody asks

    def wait(self, queues: Sequence[str], timeout_s: float) -> None:
        """Sleep until a marker was taken, at most timeout_s."""
        until = time.monotonic() + timeout_s
        keys = [self._keys.of_queue(queue, "wake") for queue in queues]
        while (left_s := until - time.monotonic()) > 0 and not self._closed.is_set():
            if self._takes_one(keys, left_s):
                return

    def reopen(self) -> None:
        self._closed.clear()

    def close(self) -> None:
        """Those who sleep here return, at the latest when their blocking call does."""
        self._closed.set()
        with self._lock:
            cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()

    def _takes_one(self, keys: Sequence[str], left_s: float) -> bool:
        now = time.monotonic()
        asked = [key for key in keys if self._shunned.get(key, 0.0) <= now]
        if len(keys) == 1 and asked:
            block_s = max(_SHORTEST_SECONDS, min(left_s, _BLOCK_SECONDS))
            return any(self._ask([("BZPOPMIN", keys[0], block_s)]))
        began_s = time.thread_time()
        took = bool(asked) and any(self._ask([("ZPOPMIN", key) for key in asked]))
        between_s = (time.thread_time() - began_s) / _CPU_SHARE
        if not took:
            self._closed.wait(min(left_s, max(_BETWEEN_SECONDS, min(between_s, _LONGEST_BETWEEN_SECONDS))))
        return took

    def _ask(self, commands: Sequence[tuple[str | float, ...]]) -> list[object]:
        """What was popped. A server that does not answer is left alone for a while: the others' queues wait for it."""
        try:
            answers = self._servers().send(commands)
        except RedisError as error:
            answers = [error] * len(commands)
        until = time.monotonic() + _AFTER_AN_ERROR_SECONDS
        for command, answer in zip(commands, answers, strict=True):
            if isinstance(answer, RedisError):
                self._shunned[str(command[1])] = until
        return [answer for answer in answers if not isinstance(answer, RedisError)]

    def _servers(self) -> Cluster:
        with self._lock:
            if self._cluster is None:
                address, home = self._address, self._keys.of_store("store")
                self._cluster = Cluster(address.seeds(), address.quick_client_of, home=home, patience_s=0)
            return self._cluster
