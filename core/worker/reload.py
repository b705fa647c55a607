"""For development: the command line run again whenever a Python file of the application changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from . import exits
from .signals import STOP, SignalPipe

OPTION: Final = "--reload"
LOOK_EVERY_S: Final = 0.5
PATIENCE_S: Final = 3.0  # for handlers, before the grace period is cut short
LAST_S: Final = 15.0
_PASSED_OVER: Final = frozenset({"__pycache__", "node_modules", "site-packages"})

log = structlog.get_logger("jobs.reload")


def run_reloading() -> int:
    """Run this process's own command line without `--reload`, again after each change; answers its last exit code."""
    command = [sys.executable, *(word for word in sys.orig_argv[1:] if word != OPTION)]
    ears = SignalPipe((*STOP, signal.SIGCHLD))
    try:
        return Reloader(command, Files(roots()), ears).run()
    finally:
        ears.close()


def roots() -> list[Path]:
    """Where code lies that somebody may be writing: this folder, and what is imported from elsewhere but not
    installed."""
    installed = [Path(prefix).resolve() for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix}]
    found = [Path.cwd()]
    for name in sys.path:
        path = Path(name or ".").resolve()
        if path.is_dir() and not any(path.is_relative_to(known) for known in (*installed, *found)):
            found.append(path)
    return found


class Files:
    """The Python files below some folders, and whether one of them has changed since the last look."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._known = self._stamps()

    def changed(self) -> str:
        """A file that came, went or was written; empty when none was."""
        before, self._known = self._known, self._stamps()
        return min((path for path, _ in before.items() ^ self._known.items()), default="")

    def _stamps(self) -> dict[str, int]:
        return {path: stamp for folder in self._folders for path, stamp in _python_files(folder)}


class Reloader:
    """One child at a time."""

    def __init__(self, command: list[str], files: Files, ears: SignalPipe) -> None:
        self._command = command
        self._files = files
        self._ears = ears

    def run(self) -> int:
        while True:
            child = subprocess.Popen(self._command, process_group=0)  # noqa: S603 - our own command line
            why = self._watch(child)
            if why is None:
                return child.returncode
            log.info("reloading", changed=why)

    def _watch(self, child: subprocess.Popen[bytes]) -> str | None:
        """The file for which it was ended; None when everything is to end."""
        has_told = False
        while True:
            heard = self._ears.wait(LOOK_EVERY_S)
            if heard.signals & STOP:
                self._end(child)
                return None
            if child.poll() == exits.OK:
                return None
            if child.returncode is not None and not has_told:
                has_told = True
                log.error("it ended; waiting for a change", code=child.returncode)
            changed = self._files.changed()
            if changed:
                self._end(child)
                return changed

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        """With a moment for what runs; a second request, from us or the terminal, cuts that short."""
        for wait_s in (PATIENCE_S, LAST_S):
            if child.poll() is None:
                child.terminate()
                until = time.monotonic() + wait_s
                while child.poll() is None and time.monotonic() < until:
                    if self._ears.wait(LOOK_EVERY_S).signals & STOP:
                        break
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _python_files(folder: Path) -> Iterator[tuple[str, int]]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if _is_code(parent, name)]
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(parent, name)
                try:
                    yield path, os.stat(path).st_mtime_ns
                except OSError:
                    continue  # it went in this moment


def _is_code(parent: str, name: str) -> bool:
    is_environment = os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))
    return not name.startswith(".") and name not in _PASSED_OVER and not is_environment
