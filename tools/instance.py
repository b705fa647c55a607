"""A dashboard of its own: gunicorn and runworkers on SQLite in a folder, started, watched and ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from urllib.error import URLError

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "only-for-this-instance"
READY_S = 60.0
END_S = 20.0


class Instance:
    """One dashboard and one set of workers; `with` starts and ends them.

    task_modules: imported beside every app's tasks. queues: which ones the workers take; all when empty.
    environment: variables beside and above its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        task_modules: str = "",
        queues: str = "",
        slots: int = 4,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.store_url = f"sqlite:///{folder / 'jobs.sqlite3'}"
        self._queues = queues
        self._slots = slots
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JOBS_")},
            "DJANGO_SETTINGS_MODULE": "jobs_dashboard.settings",
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "JOBS_BACKEND_URL": self.store_url,
            "JOBS_TASK_MODULES": task_modules,
            "JOBS_TEST_FOLDER": str(folder),
            "SECRET_KEY": "for-an-instance-that-lives-for-minutes-on-loopback-only",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "ALLOWED_HOSTS": "127.0.0.1",
            "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
            **(environment or {}),
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Instance:
        try:
            self.manage("migrate", "--verbosity", "0")
            self.manage("createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.com")
            self._start("web", "-m", "gunicorn", "jobs_dashboard.wsgi", *self._gunicorn())
            self._start("workers", "manage.py", "runworkers", "--concurrency", str(self._slots), *self._queue_option())
            self._wait_until_up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def manage(self, *arguments: str, **more: str) -> str:
        """Run a management command of this instance; answers what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self._environment, **more},
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def add_person(self, name: str, *permissions: str) -> None:
        """Somebody with some permissions and the common password."""
        self.manage(
            "shell",
            "-c",
            "import os; from django.contrib.auth.models import Permission, User\n"
            "who = User.objects.create_user(os.environ['WHO'], password=os.environ['DJANGO_SUPERUSER_PASSWORD'])\n"
            "who.user_permissions.set(Permission.objects.filter(codename__in=os.environ['MAY'].split(',')))",
            WHO=name,
            MAY=",".join(permissions),
        )

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        """Ask both to end, and make them when they do not."""
        for process in self._running:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + END_S
        for process in self._running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)
        self._running.clear()

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)

    def _gunicorn(self) -> list[str]:
        return ["--bind", f"127.0.0.1:{self.port}", "--workers", "1", "--threads", "8", "--log-level", "warning"]

    def _queue_option(self) -> list[str]:
        return ["--queues", self._queues] if self._queues else []

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            ended = [process for process in self._running if process.poll() is not None]
            if ended:
                raise RuntimeError(f"it ended early:\n{self.log_of('web')}{self.log_of('workers')}")
            if _answers(f"{self.url}/readyz") and _answers(f"{self.url}/healthz", "healthy"):
                return
            time.sleep(0.2)
        raise RuntimeError(f"not up within {READY_S} s:\n{self.log_of('web')}{self.log_of('workers')}")


def _answers(url: str, word: str = "ok") -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return bool(answer.read().decode().strip() == word)
    except (URLError, OSError):
        return False


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
