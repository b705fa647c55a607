"""The key that signs sessions: given in production, made once and kept outside of it."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

_LEAST_CHARS = 50
_LEAST_DIFFERENT = 5


def given_key(key: str) -> str:
    """A key fit for production, or a refusal that says what is wrong with it and how to get one."""
    remedy = (
        'make one with: python -c "from django.core.management.utils import get_random_secret_key as k; print(k())"'
    )
    if not key:
        raise ImproperlyConfigured(f"SECRET_KEY is not set, and this is not a development environment; {remedy}")
    if len(key) < _LEAST_CHARS or len(set(key)) < _LEAST_DIFFERENT or key.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            f"SECRET_KEY is weak: it wants at least {_LEAST_CHARS} characters that nobody can guess; {remedy}"
        )
    return key


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
