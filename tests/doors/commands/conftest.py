"""A project of its own in a temporary folder: `manage.py` as a stranger runs it, on a real store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60


class Shell:
    """Runs `manage.py` with an environment of its own, and ends what it started."""

    def __init__(self, folder: Path, store: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.folder = folder
        self.environment = {
            **kept,
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "JOBS_BACKEND_URL": store,
            "LOG_FORMAT": "json",
        }
        self._started: list[subprocess.Popen[str]] = []

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ROOT / "manage.py", *words],
            env=self.environment | environment,
            cwd=self.folder,
            text=True,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def read(self, *words: str) -> Any:
        """What a command prints as JSON."""
        ran = self.run(*words, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def python(self, code: str) -> str:
        ran = self.run("shell", "--no-imports", "-c", code)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a group of its own; its log goes to a file of the folder."""
        with (self.folder / f"log-{len(self._started)}.txt").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, ROOT / "manage.py", *words],
                env=self.environment,
                cwd=self.folder,
                text=True,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def log(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("log-*.txt")))

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(params=["sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_server"))
    return f"sqlite:///{tmp_path / 'jobs.sqlite3'}"


@pytest.fixture
def open_shell(tmp_path: Path) -> Iterator[Callable[[str], Shell]]:
    opened: list[Shell] = []

    def make(store: str) -> Shell:
        shell = Shell(tmp_path, store)
        opened.append(shell)
        migrated = shell.run("migrate", "-v0")
        assert migrated.returncode == 0, migrated.stderr
        return shell

    yield make
    for shell in opened:
        shell.close()
