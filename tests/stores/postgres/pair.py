"""Two PostgreSQL servers, one of which streams from the other and may take its place; and a crash worth the name."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg

from tests.postgres_server import PostgresServer
from tests.power.family import family_of, wait_for_the_end
from tests.servers import free_port

NAME = "standby"
PATIENCE_S = 20.0
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "wal_level": "replica"}


def crash(server: PostgresServer) -> None:
    """SIGKILL to the server and to all its processes, as when the machine goes; returns when they are gone."""
    assert server.process is not None
    family = family_of(server.process.pid)
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.process.wait()
    wait_for_the_end(family)
    server.process = None


def wait_until(is_so: Callable[[], bool], what: str) -> float:
    """The seconds it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < PATIENCE_S, f"no sign of {what}"
        time.sleep(0.01)
    return time.monotonic() - began


class Pair:
    """A primary and its standby, streaming. synchronous: no commit is answered before the standby has it on disk."""

    def __init__(self, *, synchronous: bool) -> None:
        names = {"synchronous_standby_names": NAME} if synchronous else {}
        self.primary = _server(**names)
        self.standby = _server(
            primary_conninfo=f"host={self.primary.folder} port={self.primary.port} "
            f"user=postgres application_name={NAME}"
        )

    @property
    def url(self) -> str:
        """Leads to whichever of the two takes writes."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.primary, self.standby))
        return f"postgres://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def __enter__(self) -> Self:
        try:
            self.primary.start().stop()
            _copy(self.primary, self.standby)
            self.primary.start()
            self.standby.start()
            wait_until(lambda: self.sender() is not None, "streaming")
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def sender(self) -> int | None:
        """The process that sends to the standby, once that has caught up."""
        with psycopg.connect(self.primary.url) as db:
            found = db.execute("SELECT pid FROM pg_stat_replication WHERE state = 'streaming'").fetchone()
            return None if found is None else int(found[0])

    def is_caught_up(self) -> bool:
        """Whether the standby has all that the primary wrote."""
        with psycopg.connect(self.primary.url) as db:
            found = db.execute("SELECT flush_lsn >= pg_current_wal_lsn() FROM pg_stat_replication").fetchone()
            return found == (True,)

    def hold_back(self) -> None:
        """From here on nothing reaches the standby."""
        pid = self.sender()
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)

    def promote(self) -> None:
        """The standby takes writes when this returns."""
        with psycopg.connect(self.standby.url, autocommit=True) as db:
            assert db.execute("SELECT pg_promote()").fetchone() == (True,)

    def _close(self) -> None:
        for server in (self.standby, self.primary):
            server.close()


def _server(**options: str) -> PostgresServer:
    return PostgresServer(**SAFE, port=str(free_port()), listen_addresses="127.0.0.1", **options)


def _copy(source: PostgresServer, target: PostgresServer) -> None:
    """The data folder of a server that was stopped, marked as a standby's."""
    data = target.folder / "data"
    shutil.copytree(source.folder / "data", data)
    (data / "standby.signal").touch()
    target.adopt_data()
