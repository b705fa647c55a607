"""`./dev smoke`: a newcomer's first two starts, on a fresh copy with an empty home, the second without a network."""

import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .console import Stop, say, step
from .interpreter import clean_environment
from .paths import ROOT

FIRST_START_SECONDS = 180.0
NEXT_START_SECONDS = 10.0
DEMO_SECONDS = 300.0
STOP_SECONDS = 15.0
UNFINISHED = ("pending", "scheduled", "running", "failed")
LEAST_COMPLETED = 600
LEAST_DEAD = 3
READY = re.compile(r"Jobs Dashboard is ready: (\S+)")
PASSWORD = re.compile(r"Sign in as +(\S+)\s+password +(\S+)")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "node_modules")
# Every way out leads nowhere, should the kernel not let the network itself be taken away.
NO_NETWORK = {"PIP_NO_INDEX": "1", "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
CLONE_NEWNET = 0x40000000


def smoke(options: argparse.Namespace) -> int:
    """Two starts, in a folder whose name holds a space."""
    with tempfile.TemporaryDirectory(prefix="jobs-smoke-") as name:
        copy = Path(name, "a fresh checkout")
        home = Path(name, "home")
        home.mkdir()
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT, symlinks=True)
        _first_start(copy, home, with_demo=not options.no_demo)
        _start_without_network(copy, home)
    say()
    step("smoke passed")
    return 0


def _first_start(copy: Path, home: Path, *, with_demo: bool) -> None:
    options = [] if with_demo else ["--no-demo"]
    with _run(copy, home, FIRST_START_SECONDS, options=options) as text:
        if not PASSWORD.search(text):
            raise Stop(f"the first start shows no account:\n{text}")
        if with_demo:
            _wait_for_the_demo(copy, home)


def _wait_for_the_demo(copy: Path, home: Path) -> None:
    step(f"waiting until the demo has ended (at most {DEMO_SECONDS:.0f} s)")
    total: dict[str, int] = {}
    deadline = time.monotonic() + DEMO_SECONDS
    while time.monotonic() < deadline:
        total = _counts(copy, home)
        # The report is scheduled between its looks at the others: with one left, the demo is not over.
        if total["completed"] >= LEAST_COMPLETED and not sum(total[state] for state in UNFINISHED):
            break
        time.sleep(2)
    else:
        raise Stop(f"the demo has not ended after {DEMO_SECONDS:.0f} s: {total}")
    if total["dead"] < LEAST_DEAD:
        raise Stop(f"the demo's broken files did not end as dead letters: {total}")
    step(f"the demo has ended: {total}")


def _counts(copy: Path, home: Path) -> dict[str, int]:
    command = [str(copy / ".venv/bin/python"), "manage.py", "jobstats", "--json"]
    asked = subprocess.run(command, cwd=copy, env=_environment(home), capture_output=True, text=True)
    if asked.returncode:
        raise Stop(f"jobstats failed: {asked.stderr.strip()}")
    total: dict[str, int] = json.loads(asked.stdout)["total"]
    return total


def _start_without_network(copy: Path, home: Path) -> None:
    with _run(copy, home, NEXT_START_SECONDS, preexec=_leave_the_network, changes=NO_NETWORK) as text:
        if PASSWORD.search(text):
            raise Stop(f"the second start made another account:\n{text}")


@contextmanager
def _run(
    copy: Path,
    home: Path,
    seconds: float,
    *,
    options: list[str] | None = None,
    preexec: Callable[[], None] | None = None,
    changes: dict[str, str] | None = None,
) -> Iterator[str]:
    """A `./dev run` that got ready in time; afterwards it is stopped, and nothing of it may be left."""
    output = copy.parent / "output.txt"
    started = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            [copy / "dev", "run", *(options or [])],
            env=_environment(home, **(changes or {})),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=preexec,  # noqa: PLW1509 - this program has one thread
        )
    try:
        text = _wait_until_ready(process, output, started + seconds)
        step(f"ready after {time.monotonic() - started:.1f} s")
        yield text
        _stop(process, copy, output)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", output: Path, deadline: float) -> str:
    while time.monotonic() < deadline and process.poll() is None:
        text = output.read_text(encoding="utf-8", errors="replace")
        if READY.search(text):
            return text
        time.sleep(0.1)
    raise Stop(f"./dev run did not get ready in time:\n{output.read_text(encoding='utf-8', errors='replace')}")


def _stop(process: "subprocess.Popen[bytes]", copy: Path, output: Path) -> None:
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    try:
        code = process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise Stop(f"./dev run did not stop within {STOP_SECONDS:.0f} s") from None
    left = _processes_of(copy)
    if code or left:
        raise Stop(f"./dev run ended with {code} and left {left}:\n{output.read_text(encoding='utf-8')}")
    step(f"stopped after {time.monotonic() - started:.1f} s, nothing is left")


def _processes_of(copy: Path) -> list[str]:
    """What still runs out of the copy."""
    lines = _command_lines_of_proc() if Path("/proc/self/cmdline").exists() else _command_lines_of_ps()
    return [line for line in lines if str(copy) in line]


def _command_lines_of_proc() -> list[str]:
    """Small systems have no `ps`."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().decode("utf-8", "replace").replace("\0", " ")
            lines.append(f"{path.parent.name} {words}")
    return lines


def _command_lines_of_ps() -> list[str]:
    command = ["ps", "-A", "-ww", "-o", "pid=,args="]
    return subprocess.run(command, capture_output=True, text=True, errors="replace").stdout.splitlines()


def _environment(home: Path, **changes: str) -> dict[str, str]:
    """An environment as on a new machine: an empty home, and no settings of ours."""
    ours = ("DJANGO_", "JOBS_", "EMAIL_", "PYTEST_")
    names = {"PORT", "HOST", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "PYTHONUTF8"}
    kept = {
        name: value for name, value in clean_environment().items() if name not in names and not name.startswith(ours)
    }
    return {**kept, "HOME": str(home), "DEV_PYTHON": sys.executable, **changes}


def _leave_the_network() -> None:
    """Where the kernel allows it (Linux, root): a network of its own, with nothing but a loopback in it."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) == 0:
        subprocess.run([sys.executable, "-I", "-c", RAISE_LOOPBACK], check=True)


# SIOCGIFFLAGS and SIOCSIFFLAGS with IFF_UP | IFF_RUNNING: `ip link set lo up`, without needing `ip`.
RAISE_LOOPBACK = """
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
    request = struct.pack("16sh14x", b"lo", 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(handle, 0x8913, request))[1]
    fcntl.ioctl(handle, 0x8914, struct.pack("16sh14x", b"lo", flags | 0x41))
"""
