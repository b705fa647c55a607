"""A PostgreSQL that tests start for themselves: in a folder of its own, reached through a socket in that folder."""

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.dev.servers import POSTGRES, find, missing_sentence

START_SECONDS = 30
STOP_SECONDS = 20
NOBODY = "nobody"  # PostgreSQL refuses to run as root

PROTOCOL = 3 << 16
LOGIN = b"user\0postgres\0database\0postgres\0\0"

# Nothing here outlives its test, so nothing has to reach the disk; a test of durability says fsync="on".
DEFAULTS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "120",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """A private server that can be stopped, killed and started again in the same folder; options are its settings."""

    def __init__(self, **options: str) -> None:
        program = find(POSTGRES)
        if program is None:
            raise RuntimeError(missing_sentence([POSTGRES]))
        self._programs = program.resolve().parent
        self._options = {**DEFAULTS, **options}
        self.port = int(self._options.get("port", 5432))  # part of the socket's name, too
        self._owner = NOBODY if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="jobs-pg-"))
        self.process: subprocess.Popen[bytes] | None = None
        if self._owner is not None:
            user = pwd.getpwnam(self._owner)
            os.chown(self.folder, user.pw_uid, user.pw_gid)

    @property
    def url(self) -> str:
        """The address of its one database."""
        return f"postgres://postgres@/postgres?host={self.folder}&port={self.port}"

    def adopt_data(self) -> None:
        """Make a data folder that somebody laid out the server's own, as it insists on."""
        data = self.folder / "data"
        data.chmod(0o700)
        for path in (data, *data.rglob("*")):
            if self._owner is not None:
                shutil.chown(path, self._owner)

    def start(self) -> Self:
        """Start, and return once the server answers."""
        if not (self.folder / "data").exists():
            self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        settings = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        self.process = self._launch("postgres", "-k", str(self.folder), *settings)
        deadline = time.monotonic() + START_SECONDS
        while not self._is_answering():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"postgres did not start:\n{self.log()}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Ask the server to end its sessions and itself, as a planned restart would."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server at once, as a crash would: it aborts its own backends; its files stay for the next `start`."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        """End the server and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What the server wrote."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

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

    def _run(self, program: str, *arguments: str) -> None:
        if self._launch(program, *arguments).wait(START_SECONDS):
            raise RuntimeError(f"{program} failed:\n{self.log()}")

    def _launch(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
        groups = None if self._owner is None else []
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._owner,
                group=None if self._owner is None else pwd.getpwnam(self._owner).pw_gid,
                extra_groups=groups,
            )

    def _is_answering(self) -> bool:
        """Whether a login is let in; a server that still recovers answers it with an error."""
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(2)
                link.connect(str(self.folder / f".s.PGSQL.{self.port}"))
                link.sendall(struct.pack("!ii", len(LOGIN) + 8, PROTOCOL) + LOGIN)
                return link.recv(1) == b"R"
        except OSError:
            return False

    def _end(self, kind: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(kind)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
