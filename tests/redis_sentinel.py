"""A Redis with a replica and three sentinels, for tests that take its master away."""

import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import redis

from tests.servers import RedisServer, directives

SERVICE = "jobs"
QUORUM = 2
DOWN_AFTER_MS = 1000
FAILOVER_TIMEOUT_MS = 2000
PATIENCE_S = 60.0


class SentinelServer(RedisServer):
    """Watches a master; keeps what it learns in its own file, as sentinels do."""

    def __init__(self, master_port: int, password: str) -> None:
        super().__init__()
        lines = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {master_port} {QUORUM}",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}",
            *([f"sentinel auth-pass {SERVICE} {password}"] if password else []),
        ]
        (self.folder / "sentinel.conf").write_text("\n".join([*lines, ""]))

    def _command(self) -> list[str]:
        told = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder)}
        return [str(self._program), str(self.folder / "sentinel.conf"), "--sentinel", *directives(told)]


class Watched:
    """A master, a replica, three sentinels. password: of the servers; the sentinels have none."""

    def __init__(self, *, password: str = "", **options: str) -> None:
        self._password = password
        secrets = {"requirepass": password, "masterauth": password} if password else {}
        self.servers = [RedisServer(**secrets, repl_diskless_sync_delay="0", **options) for _ in range(2)]
        self.sentinels: list[SentinelServer] = []

    @property
    def url(self) -> str:
        return self.url_with()

    def url_with(self, **query: object) -> str:
        """The address of database 0, with options behind it."""
        login = f":{self._password}@" if self._password else ""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        options = f"?{urlencode(query)}" if query else ""
        return f"redis+sentinel://{login}{hosts}/{SERVICE}/0{options}"

    def start(self) -> Self:
        master, replica = (server.start() for server in self.servers)
        with self.client(replica) as client:
            client.replicaof("127.0.0.1", str(master.port))
        self.sentinels = [SentinelServer(master.port, self._password).start() for _ in range(3)]
        self.until_watched()
        return self

    def close(self) -> None:
        for server in [*self.sentinels, *self.servers]:
            server.close()

    def master(self) -> RedisServer:
        """Whom most sentinels name."""
        named = [self._named_by(sentinel) for sentinel in self.sentinels]
        port = max(named, key=named.count)
        return next(server for server in self.servers if server.port == port)

    def replica(self) -> RedisServer:
        master = self.master()
        return next(server for server in self.servers if server is not master)

    def client(self, server: RedisServer) -> redis.Redis:
        return redis.Redis(port=server.port, password=server.options.get("requirepass"), socket_timeout=10)

    def until_watched(self) -> None:
        """Wait until all sentinels know each other, and a replica that has everything."""
        _until(lambda: self._is_replicated() and all(map(self._knows_the_others, self.sentinels)))

    def until_promoted(self, replica: RedisServer) -> None:
        """Wait until a replica takes writes; sentinels tell of it a moment later."""
        _until(lambda: self._role(replica) == "master")

    def bring_back(self, old: RedisServer) -> None:
        """Make a replica of the former master, which sentinels would take ten seconds to do."""
        [other] = [server for server in self.servers if server is not old]
        _until(lambda: all(self._named_by(sentinel) == other.port for sentinel in self.sentinels))
        with self.client(old if old.process else old.start()) as client:
            client.replicaof("127.0.0.1", str(other.port))

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

    def _named_by(self, sentinel: RedisServer) -> int:
        with redis.Redis(port=sentinel.port) as client:
            return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])

    def _knows_the_others(self, sentinel: RedisServer) -> bool:
        with redis.Redis(port=sentinel.port) as client:
            state = client.sentinel_masters()[SERVICE]
        return (state["num-other-sentinels"], state["num-slaves"], state["flags"]) == (2, 1, "master")

    def _is_replicated(self) -> bool:
        """Whether the replica has all and is fed; a master calls it online while it still loads."""
        with contextlib.suppress(redis.RedisError), self.client(self.replica()) as client:
            told = client.info("replication")
            return (told.get("master_port"), told.get("master_link_status")) == (self.master().port, "up")
        return False

    def _role(self, server: RedisServer) -> str:
        with self.client(server) as client:
            return str(client.info("replication")["role"])


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
