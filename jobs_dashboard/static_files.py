"""Static files served from where they lie, under names that carry their content's hash: no collectstatic."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.middleware import WhiteNoiseMiddleware

_HASH_DIGITS = 12


class HashedNames(StaticFilesStorage):
    """Writes `app.css` as `app.0123456789ab.css`, which changes with its content; plain names under DEBUG."""

    def url(self, name: str | None) -> str:
        return super().url(name if settings.DEBUG or not name else hashed_name(name))


class ServeHashedNames(WhiteNoiseMiddleware):
    """WhiteNoise, which also answers to hashed names; a browser may keep those for ever."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Whatever collectstatic left, if somebody ran it; WhiteNoise alone would warn that nobody did."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: Any = None) -> None:
        super().add_file_to_dictionary(url, path, stat_cache=stat_cache)
        name = url.removeprefix(self.static_prefix)
        hashed = hashed_name(name)
        if url.startswith(self.static_prefix) and hashed != name:
            super().add_file_to_dictionary(self.static_prefix + hashed, path, stat_cache=stat_cache)


@cache
def hashed_name(name: str) -> str:
    """The name with its content's hash before the suffix; unchanged when no such file is found."""
    found = finders.find(name)
    if not isinstance(found, str) or not Path(found).is_file():
        return name
    with open(found, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:_HASH_DIGITS]
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}.{digest}{path.suffix}"))
