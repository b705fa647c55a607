"""`./dev` finds a Python that works, and says so in one sentence when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def dev(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "dev", *arguments], env=environment, capture_output=True, text=True)


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with what the shell script itself uses."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname"):
        found = next(Path(place, name) for place in os.defpath.split(":") if Path(place, name).exists())
        (folder / name).symlink_to(found)
    return folder


def test_names_that_lead_nowhere_are_passed_over(tools: Path, tmp_path: Path) -> None:
    program(tools, "python3.14", "echo 'python3.14: command not found' >&2; exit 127")  # as pyenv's shims do
    program(tools, "python3.13", "echo 2>&1 'Python 2.7'")
    (tools / "python3").symlink_to(sys.executable)
    done = dev("help", PATH=str(tools), HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "commands:" in done.stdout


def test_the_newest_one_wins(tools: Path, tmp_path: Path) -> None:
    for name, version in (("python3.12", 312), ("python3", 311)):
        program(tools, name, f'if [ "$2" = -c ]; then echo {version}; else echo "ran {version}"; fi')
    newest = tmp_path / "pyenv/versions/3.14.9/bin"
    newest.mkdir(parents=True)
    program(newest, "python", 'if [ "$2" = -c ]; then echo 314; else echo "ran 314"; fi')
    done = dev("help", PATH=str(tools), HOME=str(tmp_path), PYENV_ROOT=str(tmp_path / "pyenv"))
    assert done.stdout == "ran 314\n"


def test_none_is_said_in_one_sentence(tools: Path, tmp_path: Path) -> None:
    done = dev("run", PATH=str(tools), HOME=str(tmp_path), DEV_PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert done.stderr.startswith("Jobs Dashboard needs Python 3.11, 3.12, 3.13 or 3.14")
    assert "at /nowhere/python" in done.stderr
    assert len(done.stderr.splitlines()) == 1
