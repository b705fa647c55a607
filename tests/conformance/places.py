"""Where a store of each kind lives during a test, and how to connect to it once, twice, or again."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg
import redis

from core.backends.contract import Backend
from core.backends.opener import open_backend
from core.model.clock import Clock
from tests.postgres_server import PostgresServer
from tests.redis_cluster import RedisCluster
from tests.servers import RedisServer


class Place(Protocol):
    """One store, empty at first."""

    kind: str  # of the place: what tests are run on
    name: str  # of the store: what it says of itself
    url: str

    def connect(self, clock: Clock) -> Backend:
        """Open it."""
        ...

    def meet(self, store: Backend, clock: Clock) -> Backend:
        """A second connection to the store that is open already."""
        ...

    def write_format(self, number: int) -> None:
        """Make it look as if a program of that format had written it."""
        ...


class Losable(Protocol):
    """A store that can be taken away from those who are connected to it."""

    url: str
    nowhere: tuple[str, ...]  # URLs of its kind that lead to no store and cannot be made one

    def lose(self) -> None: ...


class MemoryPlace:
    """Not shared: who meets a store in memory meets the very object."""

    kind = name = "memory"
    url = "memory://"

    def connect(self, clock: Clock) -> Backend:
        return open_backend(self.url, clock=clock)

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return store

    def write_format(self, number: int) -> None:
        raise NotImplementedError("memory is always of the running program's format")


class SqlitePlace:
    """A file of its own."""

    kind = name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"sqlite:///{path}"
        self.nowhere = (f"{self.url}/no-folder/jobs.db",)

    def connect(self, clock: Clock) -> Backend:
        return open_backend(self.url, clock=clock)

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return self.connect(clock)

    def write_format(self, number: int) -> None:
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute("UPDATE store SET format = ?", (number,))

    def lose(self) -> None:
        """Delete the file, so that a path through it would be made anew."""
        self._path.unlink()
        self._path.write_bytes(b"")


class RedisPlace:
    """A numbered database of a private server, emptied first."""

    kind = name = "redis"

    def __init__(self, server_url: str, database: int) -> None:
        self.url = f"{server_url.rpartition('/')[0]}/{database}"
        with closing(self._client()) as client:
            client.flushdb()

    def connect(self, clock: Clock) -> Backend:
        return open_backend(self.url, clock=clock)

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return self.connect(clock)

    def write_format(self, number: int) -> None:
        with closing(self._client()) as client:
            [key] = client.keys("*:store")
            client.hset(key, "format", number)

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)


class LosableRedis:
    """A server of its own, which may be killed without harm to other tests."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self.url = server.url
        self.nowhere = ("redis://127.0.0.1:1/0", "unix:///nowhere/at/all/redis.sock")

    def lose(self) -> None:
        self._server.kill()


class RedisClusterPlace:
    """Keys under a prefix of its own, new for each place; a cluster has one database, which is emptied first."""

    kind = "redis-cluster"
    name = "redis"

    def __init__(self, cluster: RedisCluster, prefix: str) -> None:
        self._cluster = cluster
        self._prefix = prefix
        self.url = f"{cluster.url}?prefix={prefix}"

    def connect(self, clock: Clock) -> Backend:
        return open_backend(self.url, clock=clock)

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return self.connect(clock)

    def write_format(self, number: int) -> None:
        key = f"{{{self._prefix}}}:store"
        with closing(
            redis.RedisCluster.from_url(self._cluster.url.replace("+cluster", "").partition(",")[0])
        ) as client:
            client.hset(key, "format", number)


class LosableRedisCluster:
    """A cluster of its own, which may be killed without harm to other tests."""

    def __init__(self, cluster: RedisCluster) -> None:
        self._cluster = cluster
        self.url = cluster.url
        self.nowhere = ("redis+cluster://127.0.0.1:1", "rediss+cluster://127.0.0.1:1,localhost:2")

    def lose(self) -> None:
        for server in self._cluster.servers:
            server.kill()


class PostgresPlace:
    """A schema of a private server, new for each place: to drop it would take longer than to leave it."""

    kind = name = "postgres"

    def __init__(self, server_url: str, schema: str) -> None:
        self._server_url = server_url
        self._schema = schema
        self.url = f"{server_url}&schema={schema}"

    def connect(self, clock: Clock) -> Backend:
        return open_backend(self.url, clock=clock)

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return self.connect(clock)

    def write_format(self, number: int) -> None:
        with psycopg.connect(self._server_url) as db:
            db.execute(f"UPDATE {self._schema}.store SET format = %s", (number,))


class LosablePostgres:
    """A server of its own, which may be killed without harm to other tests."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = server.url
        self.nowhere = ("postgres://jobs@127.0.0.1:1/jobs", "postgresql:///jobs?host=/nowhere/at/all")

    def lose(self) -> None:
        self._server.kill()
