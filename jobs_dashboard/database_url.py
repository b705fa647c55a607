"""Django's database from one URL; SQLite beside the project when there is none."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

_ENGINE = "django.db.backends.sqlite3"
_KEPT_OPEN_S = 60
_SQLITE = {
    "timeout": 20,  # seconds a writer waits for another one
    "transaction_mode": "IMMEDIATE",  # a transaction that reads first cannot be refused when it comes to write
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


def database_from(url: str, *, default_file: Path) -> dict[str, Any]:
    """The entry for DATABASES["default"]; a URL that cannot be read is named without its password."""
    if not url:
        return _beside(default_file)
    try:
        parsed = dj_database_url.parse(url, conn_max_age=_KEPT_OPEN_S, conn_health_checks=True)
    except (ValueError, KeyError) as error:
        scheme = url.partition(":")[0][:20]
        raise ImproperlyConfigured(
            f"DATABASE_URL (it begins with {scheme!r}) cannot be read: give sqlite:///path, or "
            "postgres://user:password@host:5432/name."
        ) from error
    found: dict[str, Any] = dict(parsed)
    if found["ENGINE"] == _ENGINE:
        found["OPTIONS"] = {**_SQLITE, **found.get("OPTIONS", {})}
        _make_private(str(found["NAME"]))
    return found


def _beside(file: Path) -> dict[str, Any]:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"the folder {file.parent} cannot be made ({error.strerror}): make it writable, or set DATABASE_URL."
        ) from error
    _make_private(str(file))
    kept = {"CONN_MAX_AGE": _KEPT_OPEN_S, "CONN_HEALTH_CHECKS": True}
    return {"ENGINE": _ENGINE, "NAME": str(file), "OPTIONS": dict(_SQLITE), **kept}


def _make_private(name: str) -> None:
    """A new file is its owner's alone: sessions and password hashes lie in it. SQLite gives its companions (-wal, -shm)
    the same mode. One that exists keeps what its owner gave it; where none can be made, SQLite says so."""
    if name and ":memory:" not in name and not name.startswith("file:"):
        with suppress(OSError):
            os.close(os.open(name, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
