"""Sleeping until work arrives at one server: a blocking pop of the wake markers, on connections of its own."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Sequence
from typing import Final

from redis.exceptions import RedisError

from .address import Address
from .keys import Keys

_LONGEST_SECONDS: Final = 2.0  # a blocked call must come back before its socket's patience ends
_SHORTEST_SECONDS: Final = 0.01  # zero would block for ever
_AFTER_AN_ERROR_SECONDS: Final = 0.25
_FAREWELL_SECONDS: Final = 5


class Sleeper:
    """Waits for markers. Never raises: whoever sleeps will hear of a fault from the next verb."""

    def __init__(self, address: Address, keys: Keys) -> None:
        self._address = address
        self._keys = keys
        self._client = address.waiting_client()
        self._own_key = keys.of_queue(f"~{uuid.uuid4().hex}", "wake")
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._asleep = 0

    def wait(self, queues: Sequence[str], timeout_s: float) -> None:
        """Sleep until a marker is there, at most timeout_s; early returns are allowed."""
        if timeout_s <= 0:
            return
        if not queues:
            self._closed.wait(timeout_s)
            return
        block_s = max(_SHORTEST_SECONDS, min(timeout_s, _LONGEST_SECONDS))
        self._block([*(self._keys.of_queue(queue, "wake") for queue in queues), self._own_key], block_s)

    def reopen(self) -> None:
        self._closed.clear()

    def close(self) -> None:
        """Wake those who sleep here."""
        with self._lock:
            self._closed.set()
            asleep = self._asleep
        try:
            if asleep:
                markers = itertools.chain.from_iterable((0, number) for number in range(asleep))
                pipeline = self._client.pipeline(transaction=False)
                pipeline.execute_command("ZADD", self._own_key, *markers)
                pipeline.execute_command("EXPIRE", self._own_key, _FAREWELL_SECONDS)
                pipeline.execute()
        except RedisError:
            pass  # the server is gone: they come back within _LONGEST_SECONDS by themselves
        if self._address.owns(self._client):
            self._client.connection_pool.disconnect(inuse_connections=False)

    def _block(self, keys: Sequence[str], block_s: float) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            self._asleep += 1
        try:
            self._client.execute_command("BZPOPMIN", *keys, block_s)
        except RedisError:
            self._closed.wait(min(block_s, _AFTER_AN_ERROR_SECONDS))
        finally:
            with self._lock:
                self._asleep -= 1
