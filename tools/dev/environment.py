"""The virtual environment of the checkout: made once, filled from the lock files, left alone after that."""

import argparse
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import interpreter
from .bootstrap import ensure_pip, pip_environment
from .console import StatusLine, Stop, step
from .paths import DEVELOPMENT_LOCK, LOGS, RUNTIME_LOCK, VAR, VENV

STAMP = "jobs-dashboard.json"
REFUSED = ("NewConnectionError", "ConnectTimeout", "Temporary failure in name resolution", "ProxyError")


def install(options: argparse.Namespace) -> int:
    """`./dev install`."""
    python = ready_for_work() if options.dev else ready_to_run()
    step(f"ready: {python}")
    return 0


def ready_to_run() -> Path:
    """The Python of .venv, with what running needs."""
    return ready(VENV, Path(sys.executable), RUNTIME_LOCK)


def ready_for_work() -> Path:
    """The Python of .venv, with what checks and tests need as well."""
    return ready(VENV, Path(sys.executable), DEVELOPMENT_LOCK)


def ready(venv: Path, base: Path, lock: Path) -> Path:
    """Make `venv` from the Python `base` if need be, install `lock` into it if need be; its Python.

    A venv that works keeps the Python it was made with, whichever is newest today.
    """
    python = venv / "bin" / "python"
    with _one_at_a_time():
        if not lock.is_file():
            raise Stop(f"{lock.name} is missing from this checkout")
        if interpreter.version_of(python) not in interpreter.SUPPORTED:
            make(venv, base)
        if not _is_installed(venv, lock):
            _install(venv, lock)
    return python


def make(venv: Path, base: Path) -> None:
    """A new venv in place of what stood there."""
    step(f"making {venv.name} with {base} (Python {interpreter.version_of(base)})")
    if venv.exists() or venv.is_symlink():
        _remove(venv)
    # Without pip: ensurepip is missing from many systems, and slow where it is there.
    command = [str(base), "-I", "-m", "venv", "--without-pip", str(venv)]
    made = subprocess.run(command, env=interpreter.clean_environment(), capture_output=True, text=True)
    if made.returncode:
        raise Stop(f"{venv.name} could not be made: {(made.stderr or made.stdout).strip()}")


def _install(venv: Path, lock: Path) -> None:
    count = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
    step(f"installing {lock.name} into {venv.name} (about {count} packages, checked by hash)")
    options = ["--require-hashes", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    run_pip(venv, ["install", "--progress-bar", "off", *options, "-r", str(lock)])
    _stamp(venv, lock)


def run_pip(venv: Path, arguments: list[str]) -> None:
    """Run pip in `venv`; what it says goes to var/log/install.log."""
    python = venv / "bin" / "python"
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / "install.log"
    ensure_pip(python)
    command = [str(python), "-m", "pip", *arguments]
    status = StatusLine()
    with log.open("w", encoding="utf-8") as file:
        pip = subprocess.Popen(
            command,
            env=pip_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                file.write(line)
                status.show(line.strip())
        finally:
            pip.terminate()  # of no effect on one that has ended
            pip.wait()
            status.close()
    if pip.returncode:
        raise Stop(_why_pip_failed(log))


def _why_pip_failed(log: Path) -> str:
    text = log.read_text(encoding="utf-8")
    errors = [line for line in text.splitlines() if line.startswith("ERROR:")]
    last = (errors or text.strip().splitlines() or ["pip said nothing"])[-1]
    place = log.relative_to(VAR.parent)
    if any(sign in text for sign in REFUSED):
        return (
            "the package index could not be reached: set HTTPS_PROXY for a proxy or PIP_INDEX_URL for an index "
            f"of your own ({place} has the details)"
        )
    return f"the packages could not be installed: {last} ({place} has the details)"


def _is_installed(venv: Path, lock: Path) -> bool:
    return _read_stamp(venv).get(lock.name) == _digest(lock)


def _stamp(venv: Path, lock: Path) -> None:
    """Remember what was installed; the development lock holds the runtime one, so it counts for both."""
    locks = {lock.name: _digest(lock)}
    if lock == DEVELOPMENT_LOCK:
        locks[RUNTIME_LOCK.name] = _digest(RUNTIME_LOCK)
    stamp = venv / STAMP
    draft = stamp.with_suffix(".draft")
    draft.write_text(json.dumps(locks, indent=2) + "\n", encoding="utf-8")
    draft.replace(stamp)


def _read_stamp(venv: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _remove(venv: Path) -> None:
    if venv.is_symlink() or not venv.is_dir():
        raise Stop(f"{venv} is not a folder that ./dev made; remove it")
    shutil.rmtree(venv)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two commands at once must not install into one venv."""
    VAR.mkdir(exist_ok=True)
    with (VAR / "install.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step("waiting for another ./dev that installs")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
