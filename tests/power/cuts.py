"""What tests of power cuts share: a seed that replays them, and servers that are recorded while they work."""

import os
import pwd
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.postgres_server import PostgresServer
from tests.servers import RedisServer

from .disk import Luck, Recording
from .family import family_of, wait_for_the_end
from .record import read_log

SEED = "JOBS_POWER_SEED"
TIMES = "JOBS_POWER_TIMES"
ROOT = Path(__file__).parents[2]


def seeded() -> random.Random:
    """Chance whose seed is printed; the variable of its name replays it."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 32))
    print(f"{SEED}={seed}")
    return random.Random(seed)


def often(cuts: int) -> int:
    """How many cuts to make: as many, or so many times as many as the variable says."""
    return cuts * int(os.environ.get(TIMES, "1"))


def recorded(log: Path, folder: Path, *command: str, user: int | None = None, group: int | None = None) -> list[str]:
    """The command line that records what a command does to a folder; for the root of this project."""
    numbers = ["-" if number is None else str(number) for number in (user, group)]
    return [sys.executable, "-m", "tests.power.recorder", str(log), str(folder), *numbers, *command]


class RecordedRedis(RedisServer):
    """A Redis whose files are recorded; its logs lie in another folder."""

    def __init__(self, elsewhere: Path, **options: str) -> None:
        super().__init__(**options)
        self._record = elsewhere / "record"
        script = elsewhere / "recorded-redis"
        command = shlex.join(recorded(self._record, self.folder, str(self._program)))
        script.write_text(f'#!/bin/sh\ncd {shlex.quote(str(ROOT))} && exec {command} "$@"\n')
        script.chmod(0o700)
        self._program = script

    def kill(self) -> None:
        """All of it at once; nothing writes any more when this returns."""
        family = [] if self.process is None else family_of(self.process.pid)
        super().kill()
        wait_for_the_end(family)

    def recording(self) -> Recording:
        return Recording(read_log(self._record))


class RecordedPostgres(PostgresServer):
    """A PostgreSQL whose data folder is recorded from its first start on; options are settings as it should be run."""

    def __init__(self, elsewhere: Path, **options: str) -> None:
        super().__init__(**{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", **options})
        self._record = elsewhere / "record"
        self._before = elsewhere / "before"

    def kill(self) -> None:
        """All of it at once; nothing writes any more when this returns."""
        family = [] if self.process is None else family_of(self.process.pid)
        super().kill()
        wait_for_the_end(family)

    def recording(self) -> Recording:
        return Recording(read_log(self._record), self._before)

    def _launch(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        if program != "postgres":
            return super()._launch(program, *arguments)
        data = self.folder / "data"
        shutil.copytree(data, self._before)
        # The recorder keeps its own user and the server becomes its own: the server's may not read our Python.
        user = None if self._owner is None else pwd.getpwnam(self._owner)
        owner = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid}
        server = ["env", "-C", str(self.folder), str(self._programs / program), "-D", str(data), *arguments]
        with (self.folder / "log").open("ab") as log:
            command = recorded(self._record, data, *server, **owner)
            return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def lay_out_postgres(recording: Recording, at_ns: int, luck: Luck, chance: random.Random) -> PostgresServer:
    """A server, not started, on what a cut left of another's data folder."""
    server = PostgresServer(fsync="on", full_page_writes="on")
    data = server.folder / "data"
    recording.cut(at_ns, data, luck, chance)
    (data / "postmaster.pid").unlink(missing_ok=True)  # after a real cut no process has its number
    server.adopt_data()
    return server
