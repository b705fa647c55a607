"""The Pythons of this machine."""

import glob
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUPPORTED = ("3.14", "3.13", "3.12", "3.11")
FOLDERS = (
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/usr/bin",
    "/Library/Frameworks/Python.framework/Versions/Current/bin",
)


@dataclass(frozen=True)
class Interpreter:
    """A Python program and its version, such as 3.13."""

    path: Path
    version: str


def found() -> list[Interpreter]:
    """One of every supported version that runs here, newest first."""
    by_version: dict[str, Interpreter] = {}
    for path in _candidates():
        version = version_of(path)
        if version in SUPPORTED:
            by_version.setdefault(version, Interpreter(path, version))
    return [by_version[version] for version in SUPPORTED if version in by_version]


def version_of(path: Path) -> str | None:
    """`3.13` for a Python that runs and has what the project needs, else None."""
    code = "import sys, ctypes, sqlite3, ssl, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [path, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=True, encoding="utf-8"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment for a Python of ours: without what would lead it to other modules, in UTF-8."""
    leading_astray = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PYTHONSTARTUP"}
    kept = {name: value for name, value in os.environ.items() if name not in leading_astray}
    return {**kept, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", **changes}


def _candidates() -> Iterator[Path]:
    for version in SUPPORTED:
        on_path = shutil.which(f"python{version}")
        if on_path:
            yield Path(on_path)
        for folder in FOLDERS:
            yield Path(folder, f"python{version}")
        yield from _managed(version)
    for name in ("python3", "python"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path)


def _managed(version: str) -> Iterator[Path]:
    """The Pythons that pyenv and uv keep, the newest patch first."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from _newest_first(f"{pyenv}/{version}.*/bin/python")
    uv = Path.home() / ".local/share/uv/python"
    yield from _newest_first(f"{uv}/cpython-{version}.*/bin/python{version}")


def _newest_first(pattern: str) -> list[Path]:
    # Not Path.glob, which fails on a folder that may not be read, such as the home of another user.
    return sorted(map(Path, glob.glob(pattern)), key=_patch, reverse=True)


def _patch(path: Path) -> list[int]:
    return [int(part) for part in path.parts[-3].replace("-", ".").split(".") if part.isdigit()]
