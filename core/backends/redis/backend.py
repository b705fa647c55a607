"""The backend in Redis: every verb is a script in the slot of its queue; larger batches go in several of them."""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis
from redis.cluster import RedisCluster

from ...model.clock import Clock
from ..contract import Backend, Features
from .address import ANSWER_SECONDS, Address
from .control import Control
from .keys import Keys
from .link import Link
from .readers import Readers
from .rounds import Rounds
from .schedules import Schedules
from .wake import Sleeper
from .work import Work


class RedisBackend(Work, Control, Schedules, Readers):
    """Jobs in a Redis that many machines share.

    url_or_client: redis://, rediss:// or unix:// (a server, or one of a cluster), redis+cluster://,
    rediss+cluster://, redis+sentinel:// or rediss+sentinel://, or a client of your own, whose address and credentials
    are used. prefix: two prefixes are two stores in one database; `?prefix=` of the URL comes first. answer_seconds:
    after which a call that got no answer raises StoreUnavailable; a web process wants less than a worker.
    Nothing is connected before `open`, but what a client of your own has connected.
    """

    features = Features(name="redis")

    def __init__(
        self,
        url_or_client: str | Redis | RedisCluster = "redis://localhost:6379/0",
        *,
        clock: Clock | None = None,
        max_connections: int = 50,
        prefix: str = "jobs",
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        address = Address(url_or_client, max_connections=max_connections, answer_seconds=answer_seconds)
        keys = Keys(address.prefix or prefix)
        super().__init__(Link(address, keys), keys, clock)
        self._sleeper = Sleeper(address, keys)
        self._rounds = Rounds(address, keys)
        self.url = address.url

    @property
    def store_id(self) -> str:
        return self._link.store_id

    def open(self) -> None:
        """Besides what the contract says, raises ConfigError for a server that may throw jobs away."""
        self._link.prepare()
        self._sleeper.reopen()
        self._rounds.reopen()

    def ping(self) -> None:
        self._link.ping()

    def wait(self, queues: Sequence[str], timeout_s: float) -> None:
        sleeper = self._rounds if self._link.is_cluster and queues else self._sleeper
        sleeper.wait(queues, timeout_s)

    def close(self) -> None:
        self._sleeper.close()
        self._rounds.close()
        self._link.close()


def open_url(
    url: str,
    *,
    clock: Clock | None = None,
    max_connections: int = 50,
    prefix: str = "jobs",
    answer_seconds: float = ANSWER_SECONDS,
) -> Backend:
    """A store from a URL. No I/O yet."""
    return RedisBackend(url, clock=clock, max_connections=max_connections, prefix=prefix, answer_seconds=answer_seconds)
