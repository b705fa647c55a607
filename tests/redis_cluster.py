"""A Redis Cluster that tests start for themselves: three masters, no replicas, joined by files written beforehand."""

import contextlib
import random
import socket
import time
from types import TracebackType
from typing import Self

import redis
from redis.crc import key_slot

from tests.servers import START_SECONDS, RedisServer

SLOTS = 16384
NODE_TIMEOUT_MS = 1000
BUS_OFFSET = 10_000  # servers talk to each other on a port so far above the one for clients
_PORTS = range(20_000, 40_000)
_TRIES = 5


class RedisCluster:
    """Servers with equal parts of the slots; each may be killed and started again.

    `options` are redis.conf directives, as of RedisServer. A slot without a server leaves the others usable, unless
    cluster_require_full_coverage="yes" is asked for.
    """

    def __init__(self, *, size: int = 3, **options: str) -> None:
        known = {
            "cluster_enabled": "yes",
            "cluster_node_timeout": str(NODE_TIMEOUT_MS),
            "cluster_require_full_coverage": "no",
        }
        self.servers = [RedisServer(**{**known, **options}) for _ in range(size)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def start(self) -> Self:
        """Start all, and return once each serves its slots."""
        for _ in range(_TRIES):
            ports = [_free_pair() for _ in self.servers]
            for server, port in zip(self.servers, ports, strict=True):
                server.port = port
            for number, server in enumerate(self.servers):
                (server.folder / "nodes.conf").write_text(self._known_to(number))
            for server in self.servers:
                server.start()
            if [server.port for server in self.servers] == ports:
                self.until_whole()
                return self
            for server in self.servers:  # somebody took a port between the choice and the bind
                server.kill()
        raise RuntimeError("no ports for a Redis Cluster")

    def close(self) -> None:
        for server in self.servers:
            server.close()

    def until_whole(self) -> None:
        """Wait until every server says that it knows all slots served and may be written to."""
        deadline = time.monotonic() + START_SECONDS
        while not all(self._is_whole(number) for number in range(len(self.servers))):
            if time.monotonic() > deadline:
                raise RuntimeError("\n".join(server.log() for server in self.servers))
            time.sleep(0.02)

    def number_of(self, queue: str) -> int:
        """Which server a queue was on at the start."""
        return number_of(queue, len(self.servers))

    def server_of(self, queue: str) -> RedisServer:
        return self.servers[self.number_of(queue)]

    def client(self, number: int) -> redis.Redis:
        server = self.servers[number]
        return redis.Redis(port=server.port, password=server.options.get("requirepass"), socket_timeout=10)

    def id_of(self, number: int) -> str:
        """What the servers call one of them."""
        return f"{number + 1:040x}"

    def clear(self) -> None:
        for number in range(len(self.servers)):
            with self.client(number) as client:
                client.flushall()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _known_to(self, reader: int) -> str:
        """What a server finds in its file when it starts: the others, and who has which slots."""
        lines = [
            f"{self.id_of(number)} 127.0.0.1:{server.port}@{server.port + BUS_OFFSET} "
            f"{'myself,' if number == reader else ''}master - 0 0 {number + 1} connected {first}-{last}"
            for number, server in enumerate(self.servers)
            for first, last in [share(number, len(self.servers))]
        ]
        return "\n".join([*lines, f"vars currentEpoch {len(self.servers)} lastVoteEpoch 0", ""])

    def _is_whole(self, number: int) -> bool:
        with contextlib.suppress(redis.RedisError), self.client(number) as client:
            told = client.execute_command("CLUSTER", "INFO")
            return b"cluster_state:ok" in told and f"cluster_slots_ok:{SLOTS}".encode() in told
        return False


class SlotMove:
    """The way of one queue's slot to another server and back, key by key, as an operator's tool goes it."""

    def __init__(self, cluster: RedisCluster, slot: int, source: int, target: int) -> None:
        self._cluster = cluster
        self.slot = slot
        self.source, self.target = source, target

    def begin(self) -> None:
        self._on(self.target, "CLUSTER", "SETSLOT", self.slot, "IMPORTING", self._cluster.id_of(self.source))
        self._on(self.source, "CLUSTER", "SETSLOT", self.slot, "MIGRATING", self._cluster.id_of(self.target))

    def left(self) -> list[bytes]:
        """Keys that are still to be moved."""
        found: list[bytes] = self._on(self.source, "CLUSTER", "GETKEYSINSLOT", self.slot, 1000)
        return found

    def move(self, key: bytes) -> None:
        port = self._cluster.servers[self.target].port
        self._on(self.source, "MIGRATE", "127.0.0.1", port, key, 0, 5000)

    def finish(self) -> None:
        """Move what is left, and say so to every server."""
        while left := self.left():
            for key in left:
                self.move(key)
        everybody = [self.target, self.source, *range(len(self._cluster.servers))]
        for number in dict.fromkeys(everybody):
            self._on(number, "CLUSTER", "SETSLOT", self.slot, "NODE", self._cluster.id_of(self.target))

    def cancel(self) -> None:
        """Leave the slot where it is; only before the first key has moved."""
        for number in (self.source, self.target):
            self._on(number, "CLUSTER", "SETSLOT", self.slot, "STABLE")

    def back(self) -> "SlotMove":
        """The way home."""
        return SlotMove(self._cluster, self.slot, self.target, self.source)

    def _on(self, number: int, *command: object) -> object:
        with self._cluster.client(number) as client:
            return client.execute_command(*command)


def share(number: int, size: int) -> tuple[int, int]:
    """First and last slot of a server."""
    return SLOTS * number // size, SLOTS * (number + 1) // size - 1


def number_of(queue: str, size: int = 3) -> int:
    slot = slot_of(queue)
    return next(number for number in range(size) if slot <= share(number, size)[1])


def slot_of(queue: str) -> int:
    return key_slot(f"{{{queue}}}".encode())


def _free_pair() -> int:
    """A port for clients whose port for the other servers is free, too."""
    while True:
        port = random.choice(_PORTS)  # any will do
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + BUS_OFFSET))
            return port
