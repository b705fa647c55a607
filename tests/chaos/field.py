"""Where a trial takes place: stores and fleets in a folder of its own, gone at its end; chance from the run's seed."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.fleet import Fleet
from tests.postgres_server import PostgresServer
from tests.servers import RedisServer

STORES = ("sqlite", "redis", "postgres")


@dataclass
class Field:
    """scale: 1 is the full size."""

    folder: Path
    chance: random.Random
    scale: float
    stack: ExitStack
    _fleets: list[Fleet] = field(default_factory=list)

    def size(self, full: int, *, least: int = 1) -> int:
        return max(least, round(full * self.scale))

    def store(self, name: str) -> str:
        """A new, empty store's URL."""
        if name == "sqlite":
            return f"sqlite:///{self._sub_folder() / 'jobs.sqlite3'}"
        if name == "redis":
            return self.redis(appendonly="yes", appendfsync="always").url
        return self.stack.enter_context(PostgresServer(fsync="on", synchronous_commit="on")).url

    def redis(self, **options: str) -> RedisServer:
        return self.stack.enter_context(RedisServer(**options))

    def fleet(self, url: str, *options: str) -> Fleet:
        fleet = Fleet(url, self._sub_folder(), list(options))
        self.stack.callback(fleet.close)
        return fleet

    def _sub_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder))


@contextmanager
def a_field(seed: str, scale: float) -> Iterator[Field]:
    with tempfile.TemporaryDirectory(prefix="jobs-chaos-") as folder, ExitStack() as stack:
        yield Field(Path(folder), random.Random(seed), scale, stack)
