"""Scratch copies of this checkout, in which tests may break and run things."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "node_modules", "*.egg-info"
)


class Checkout:
    """A copy of the working tree, with the packages that run this test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT, symlinks=True)
        self._lend_packages()

    def dev(self, *arguments: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `./dev` to its end."""
        return subprocess.run(
            [self.folder / "dev", *arguments],
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
        )

    def environment(self, **changes: str) -> dict[str, str]:
        """This process's environment, without what tests and people set for themselves."""
        ours = {"PORT", "HOST", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "REDIS_URL", "SECRET_KEY", "DEBUG"}
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ours and not name.startswith(("JOBS_", "EMAIL_", "DJANGO_", "PYTEST_"))
        }
        return {**kept, "DEV_PYTHON": sys.executable, **changes}

    def write(self, name: str, text: str) -> None:
        """A file of the copy, added or replaced."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _lend_packages(self) -> None:
        """A .venv that is this test's own one by links, and is stamped as installed: nothing is downloaded."""
        venv = self.folder / ".venv"
        venv.mkdir()
        for name in ("bin", "lib"):
            (venv / name).symlink_to(Path(sys.prefix, name))
        shutil.copy(Path(sys.prefix, "pyvenv.cfg"), venv)
        locks = [self.folder / "requirements.lock", self.folder / "requirements-dev.lock"]
        stamp = {lock.name: sha256(lock.read_bytes()).hexdigest() for lock in locks}
        (venv / "jobs-dashboard.json").write_text(json.dumps(stamp), encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """One copy for all tests of a module; its path holds a space and a letter that LANG=C cannot say."""
    folder = tmp_path_factory.mktemp("tooling") / "a chéckout"
    yield Checkout(folder)
    shutil.rmtree(folder, ignore_errors=True)
