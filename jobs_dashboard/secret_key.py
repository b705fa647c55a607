"""The key that signs sessions: given in production, made once and kept outside of it."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

_LEAST_CHARS = 50
_LEAST_DIFFERENT = 5
_REMEDY = (
    'A key is made by: python -c "from django.core.management.utils import get_random_secret_key as key; print(key())"'
)


def require_given(environment: str, **values: object) -> None:
    """Refuse to start without these, all that are missing named in one sentence."""
    missing = " and ".join(name for name, value in values.items() if not value)
    if missing:
        raise ImproperlyConfigured(
            f"{missing} must be set where JOBS_ENV is {environment!r}: a key that nobody can guess, "
            f"and the host names this answers to. {_REMEDY}"
        )


def require_strong(key: str) -> None:
    if len(key) < _LEAST_CHARS or len(set(key)) < _LEAST_DIFFERENT or key.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            f"SECRET_KEY is weak: it wants at least {_LEAST_CHARS} characters that nobody can guess. {_REMEDY}"
        )


def kept_key(path: Path) -> str:
    """The key in this file, which is made by whoever asks first; only its owner may read it."""
    try:
        return _read(path) or _make(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"the secret key cannot be kept in {path} ({error.strerror}): make that folder writable, or set SECRET_KEY."
        ) from error


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _make(path: Path) -> str:
    """Written aside and linked into place, so that processes which start together end up with one whole key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(get_random_secret_key() + "\n")
    try:
        os.link(aside, path)
    except FileExistsError:
        if not _read(path):  # an empty file, left by a full disk or by hand
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return _read(path)
