"""Where a store's file lies: made private when it is new, missed when it is gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ...errors import ConfigError, StoreUnavailable

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700


class FileIdentity(NamedTuple):
    """What tells a file from another one that was put in its place."""

    device: int
    inode: int


def path_of(url: str) -> tuple[Path, dict[str, str]]:
    """`sqlite:////abs/file` or `sqlite:///relative/file` as a path, and its options."""
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or not path:
        raise ConfigError(f"{url}: write sqlite:///jobs.sqlite3 (relative) or sqlite:////var/lib/jobs.sqlite3")
    if ":memory:" in path:
        raise ConfigError("sqlite keeps jobs in a file; for jobs in memory use memory://")
    return Path(path), dict(parse_qsl(parts.query))


def url_of(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"


def prepare(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) where they are missing; SQLite's side files copy its mode.

    A file that exists is left as it is, and is not even opened: closing any descriptor of it would drop the locks
    that this process's connections hold on it.
    """
    try:
        for folder in reversed([path.parent, *path.parent.parents]):
            if not folder.exists():
                folder.mkdir(_PRIVATE_FOLDER, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE_FILE))
    except FileExistsError:
        return  # another process was first
    except OSError as error:
        raise StoreUnavailable(f"cannot create {path}: {error.strerror}; give it a folder it may write") from error


def open_lock_file(path: Path, name: str) -> int:
    """A descriptor of an empty file beside the store's, to be locked with flock."""
    lock = path.with_name(f"{path.name}-{name}")
    try:
        return os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _PRIVATE_FILE)
    except OSError as error:
        raise StoreUnavailable(f"cannot create {lock}: {error.strerror}; give it a folder it may write") from error


def identity(path: Path) -> FileIdentity | None:
    """Which file lies at the path now; None when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return FileIdentity(found.st_dev, found.st_ino)


def size(path: Path) -> int:
    """The size in bytes; 0 when there is no such file."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
