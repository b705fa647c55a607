"""The stores to measure, each filled, on a server of its own in a temporary folder that goes with it."""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from core.backends.contract import Backend
from core.backends.opener import open_backend
from tests.postgres_server import PostgresServer
from tests.servers import RedisServer

from . import machine
from .aim import Aim, AtLeast, TimesBare
from .bare.postgres import BarePostgres
from .bare.redis import BareRedis
from .bare.sqlite import BareSqlite
from .contender import Ours, Rival
from .contest import BATCH, PLAIN_BATCH, PLAIN_ONE, WHOLE_BATCH, WHOLE_ONE
from .fill import Filled, MovingClock, fill
from .progress import Progress
from .spread import BUSY, JobMaker, shares
from .worker import Client, Plain, Whole

# As a small production server; everything that makes a commit durable is on.
POSTGRES_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}
_WORK = (PLAIN_BATCH, PLAIN_ONE, WHOLE_BATCH, WHOLE_ONE)
_SQLITE_RATE, _SQLITE_FDATASYNC_MS = 20_000, 0.2


@dataclass
class House:
    """A filled store, its rival, and what is known of both."""

    name: str
    store: Backend
    ours: Ours
    bare: Rival | None
    filled: Filled
    server: int | None = None
    work_aims: Mapping[str, Aim] = field(default_factory=dict)  # by the name of the discipline
    url: str = ""


@contextmanager
def memory(rows: int, progress: Progress) -> Iterator[House]:
    """Its clock stays with it, and goes on from where the filling ended."""
    clock = _RunningClock(_now_ms())
    store = open_backend("memory://", clock=clock)
    maker = JobMaker()
    filled = fill(store, clock, maker, rows, progress)
    clock.run()
    gc.collect()
    gc.freeze()  # a million objects that stay: no other store has them in this process
    yield House("memory", store, _ours(store, maker), None, filled)
    gc.unfreeze()


@contextmanager
def sqlite(rows: int, progress: Progress) -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="jobs-bench-"))
    try:
        path = folder / "jobs.sqlite3"
        maker = JobMaker()
        filled = _fill(f"sqlite:///{path}?synchronous=OFF", maker, rows, progress)
        with closing(open_backend(f"sqlite:///{path}")) as store:
            progress.say("copying for the rival")
            bare = BareSqlite(folder / "bare.sqlite3", theirs=path, queue=BUSY, synchronous="FULL")
            with closing(bare):
                yield House(
                    "sqlite", store, _ours(store, maker), bare, filled, work_aims={WHOLE_BATCH: sqlite_aim(folder)}
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis(rows: int, progress: Progress) -> Iterator[House]:
    with RedisServer() as server:
        maker = JobMaker()
        filled = _fill(server.url, maker, rows, progress)
        with closing(open_backend(server.url)) as store:
            progress.say("filling the rival")
            with closing(BareRedis(server.url, waiting=_waiting(rows))) as bare:
                assert server.process is not None
                yield House(
                    "redis", store, _ours(store, maker), bare, filled,
                    server=server.process.pid, work_aims=dict.fromkeys(_WORK, TimesBare(2)), url=server.url,
                )  # fmt: skip


@contextmanager
def postgres(rows: int, progress: Progress) -> Iterator[House]:
    with PostgresServer(**POSTGRES_SETTINGS) as server:
        maker = JobMaker()
        filled = _fill(server.url, maker, rows, progress)
        with psycopg.connect(server.url, autocommit=True) as db:
            progress.say("copying for the rival")
            with closing(BarePostgres(server.url, BUSY)) as bare:
                progress.say("vacuum and checkpoint, as would have happened by itself within minutes")
                db.execute("VACUUM ANALYZE")
                db.execute("CHECKPOINT")
                with closing(open_backend(server.url)) as store:
                    assert server.process is not None
                    yield House(
                        "postgres", store, _ours(store, maker), bare, filled,
                        server=server.process.pid, work_aims=dict.fromkeys(_WORK, TimesBare(1.5)), url=server.url,
                    )  # fmt: skip


# Memory comes last: a million objects in this process would slow the others.
HOUSES = {"redis": redis, "postgres": postgres, "sqlite": sqlite, "memory": memory}


def sqlite_aim(folder: Path) -> Aim:
    """20,000 jobs a second in exchanges of 100 where an fdatasync takes 0.2 ms; a slower disk is allowed its
    difference, once an exchange."""
    takes_ms = machine.fdatasync_ms(folder)
    exchange_ms = BATCH * 1000 / _SQLITE_RATE + max(0.0, takes_ms - _SQLITE_FDATASYNC_MS)
    return AtLeast(BATCH * 1000 / exchange_ms, f" (fdatasync {takes_ms:.2f} ms)")


class _RunningClock(MovingClock):
    """A moving clock that runs by itself in the end."""

    _since: float | None = None

    def run(self) -> None:
        self._since = time.monotonic()

    def now_ms(self) -> int:
        if self._since is None:
            return super().now_ms()
        return self.end_ms + int((time.monotonic() - self._since) * 1000)


def _fill(url: str, maker: JobMaker, rows: int, progress: Progress) -> Filled:
    clock = MovingClock(_now_ms())
    with closing(open_backend(url, clock=clock)) as store:
        return fill(store, clock, maker, rows, progress)


def _ours(store: Backend, maker: JobMaker) -> Ours:
    return Ours(plain=Plain(store), whole=Whole(store), door=Client(store, maker))


def _waiting(rows: int) -> int:
    """How many jobs stand in the line that is worked on."""
    return next(share.jobs for share in shares(rows) if share.queue == BUSY and share.state.value == "pending")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
