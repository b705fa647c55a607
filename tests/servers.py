"""Servers that tests start for themselves, on a free loopback port and in a folder of their own."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.dev.servers import REDIS, find, missing_sentence

START_SECONDS = 20
STOP_SECONDS = 10


class RedisServer:
    """A private redis-server that can be stopped, killed and started again on the same port and folder.

    `options` are redis.conf directives as keywords, underscores for dashes: RedisServer(appendonly="yes").
    """

    def __init__(self, **options: str) -> None:
        program = find(REDIS)
        if program is None:
            raise RuntimeError(missing_sentence([REDIS]))
        self._program = program
        self.options = {"save": "", "appendonly": "no", **options}
        self.folder = Path(tempfile.mkdtemp(prefix="jobs-redis-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        """Start, and return once the server answers."""
        for _ in range(5):
            self.process = self._launch()
            if self._is_answering():
                return self
            self.kill()
            self.port = free_port()  # somebody took it between the choice and the bind
        raise RuntimeError(f"redis-server did not start:\n{self.log()}")

    def stop(self) -> None:
        """Ask the server to end, as a planned restart would."""
        self._end(hard=False)

    def kill(self) -> None:
        """End the server at once, as a crash would; its files stay for the next `start`."""
        self._end(hard=True)

    def close(self) -> None:
        """End the server and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What the server wrote."""
        path = self.folder / "redis.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _launch(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "redis.log").open("ab") as log:
            return subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _command(self) -> list[str]:
        told = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder), **self.options}
        return [str(self._program), *directives(told)]

    def _is_answering(self) -> bool:
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._says_pong():
                return True
            time.sleep(0.02)
        return False

    def _says_pong(self) -> bool:
        """Whether a PING is answered: a server that still loads its append-only file says -LOADING."""
        try:
            with socket.create_connection((self.options.get("bind", "127.0.0.1"), self.port), timeout=1) as link:
                link.sendall(b"PING\r\n")
                return link.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def _end(self, *, hard: bool) -> None:
        if self.process is None:
            return
        if hard:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def directives(options: Mapping[str, str]) -> list[str]:
    """Options as a redis-server takes them on its command line."""
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
