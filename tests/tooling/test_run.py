"""`./dev run`: up, found again, ended in order and out of order, on a path with a space and under LANG=C."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tooling.conftest import Checkout
from tools.dev.process import Process, start_time

READY = re.compile(r"ready: (http://127\.0\.0\.1:(\d+)/)")
READY_SECONDS = 60
END_SECONDS = 15


class Run:
    """A `./dev run` of its own, and every process it started."""

    def __init__(self, checkout: Checkout, *options: str, **environment: str) -> None:
        self._output = checkout.folder.parent / f"run-{time.monotonic_ns()}.txt"
        settings = checkout.environment(LANG="C", LC_ALL="C", **environment)
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [checkout.folder / "dev", "run", *options],
                env=settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> tuple[str, int]:
        """The URL and its port."""
        ready = until(lambda: READY.search(self.text()), READY_SECONDS, alive=self.process)
        assert ready, self.text()
        return ready[1], int(ready[2])

    def descendants(self) -> list[Process]:
        return descendants(self.process.pid)

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the runner alone; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(END_SECONDS)


def until(question, seconds, *, alive=None):
    """Ask until the answer is true, for so long; the last answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer or (alive is not None and alive.poll() is not None):
            return answer
        time.sleep(0.05)
    return question()


def descendants(pid: int) -> list[Process]:
    """Every living process below this one, from /proc."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
                parents[int(folder.name)] = int(fields[1])
    found, level = [], {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found += [Process(child, started) for child in level if (started := start_time(child))]
    return found


def all_gone(processes: list[Process], seconds: float) -> bool:
    return bool(until(lambda: not any(process.is_alive() for process in processes), seconds))


def livez(port: int) -> int:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    link.request("GET", "/livez")
    return link.getresponse().status


@pytest.fixture
def run(checkout: Checkout) -> Iterator[Run]:
    """A run that answers; whatever the test leaves of it is killed."""
    run = Run(checkout, "--no-demo")
    left = []
    try:
        run.wait_until_ready()
        left = run.descendants()
        yield run
    finally:
        left += run.descendants()
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        for process in left:
            if process.is_alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)


def test_the_first_start_prints_an_account_once_and_keeps_only_its_hash(checkout: Checkout) -> None:
    assert checkout.dev("reset", "--yes").returncode == 0
    first = Run(checkout, "--no-demo")
    first.wait_until_ready()
    password = re.search(r"password +(\w{20}) ", first.text())
    assert password, first.text()
    assert first.end(signal.SIGTERM) == 0
    kept = [path for path in (checkout.folder / "var").rglob("*") if path.is_file()]
    assert not [path for path in kept if password[1].encode() in path.read_bytes()]
    second = Run(checkout, "--no-demo")
    second.wait_until_ready()
    assert second.end(signal.SIGTERM) == 0
    assert not re.search(r"password +\w{20} ", second.text())


def test_it_answers_and_a_second_start_says_where(checkout: Checkout, run: Run) -> None:
    url, port = run.wait_until_ready()
    assert livez(port) == 200
    again = checkout.dev("run")
    assert again.returncode == 0
    assert url in again.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_all_of_it_in_order(run: Run, number: signal.Signals) -> None:
    processes = run.descendants()
    assert len(processes) >= 4  # guard, mail, web, workers
    assert run.end(number) == 0, run.text()
    assert all_gone(processes, 1), run.text()
    assert "Traceback" not in run.text()


def test_a_killed_runner_takes_its_children_with_it_and_the_next_start_is_clean(checkout: Checkout, run: Run) -> None:
    processes = run.descendants()
    run.process.kill()
    run.process.wait()
    assert all_gone(processes, END_SECONDS)
    after = Run(checkout, "--no-demo")
    after.wait_until_ready()
    assert after.end(signal.SIGTERM) == 0


def test_a_start_right_after_a_kill_ends_what_was_left(checkout: Checkout, run: Run) -> None:
    processes = run.descendants()
    run.process.kill()
    run.process.wait()
    after = Run(checkout, "--no-demo")
    after.wait_until_ready()
    assert all_gone(processes, END_SECONDS)
    assert after.end(signal.SIGTERM) == 0


def test_children_end_even_if_the_guard_is_killed_too(run: Run) -> None:
    processes = run.descendants()
    guard = next(p for p in processes if b"guard.py" in Path(f"/proc/{p.pid}/cmdline").read_bytes())
    os.kill(guard.pid, signal.SIGKILL)
    run.process.kill()
    run.process.wait()
    assert all_gone(processes, END_SECONDS)


def test_what_ends_by_itself_is_started_again(run: Run) -> None:
    mail = next(p for p in run.descendants() if b"mailbox.py" in Path(f"/proc/{p.pid}/cmdline").read_bytes())
    os.kill(mail.pid, signal.SIGKILL)
    assert until(lambda: "mail ended (SIGKILL); starting it again" in run.text(), 10), run.text()
    assert run.end(signal.SIGTERM) == 0


def test_a_port_that_is_given_and_taken_is_refused(checkout: Checkout) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = checkout.dev("run", PORT=str(port))
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 is taken" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8000x"])
def test_a_port_that_is_no_port_is_refused(checkout: Checkout, port: str) -> None:
    done = checkout.dev("run", PORT=port)
    assert done.returncode == 2
    assert "PORT must be a number from 1 to 65535" in done.stderr


def test_data_is_not_removed_while_it_is_in_use(checkout: Checkout, run: Run) -> None:
    done = checkout.dev("reset", "--yes")
    assert done.returncode == 2
    assert "end it with Ctrl-C first" in done.stderr
    assert run.end(signal.SIGTERM) == 0


def test_data_is_not_removed_unasked(checkout: Checkout) -> None:
    checkout.write("var/kept.txt", "x")
    assert checkout.dev("reset").returncode == 2
    assert (checkout.folder / "var/kept.txt").exists()


def test_a_new_password_signs_in(checkout: Checkout) -> None:
    done = checkout.dev("password")
    assert done.returncode == 0, done.stderr
    name, password = done.stdout.split()[-2:]
    code = (
        "import django, sys; django.setup(); from django.contrib.auth import get_user_model as m; "
        "print(m().objects.get(username=sys.argv[1]).check_password(sys.argv[2]))"
    )
    asked = subprocess.run(
        [checkout.folder / ".venv/bin/python", "-c", code, name.rstrip(":"), password],
        cwd=checkout.folder,
        env=checkout.environment(DJANGO_SETTINGS_MODULE="jobs_dashboard.settings"),
        capture_output=True,
        text=True,
    )
    assert asked.stdout.strip() == "True", asked.stderr


def test_an_account_that_is_not_there_is_named(checkout: Checkout) -> None:
    checkout.dev("password")
    done = checkout.dev("password", "nobody")
    assert done.returncode == 1
    assert "there is no account named nobody" in done.stderr
