"""From a URL to a store: the one place that knows the concrete ones, imported by name because drivers are optional."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from ..errors import ConfigError
from ..model.clock import Clock
from .contract import Backend

_WINGS = {
    "memory": "memory",
    "sqlite": "sqlite",
    "redis": "redis",
    "rediss": "redis",
    "unix": "redis",
}
_DRIVERS = {"redis": "redis[hiredis]"}


def open_backend(url: str, *, clock: Clock | None = None, **options: Any) -> Backend:
    """The store that a URL names, connected and checked.

    Raises ConfigError for a URL that names none, StoreUnavailable or StoreFormatError from opening it.
    """
    scheme = urlsplit(url).scheme
    if scheme not in _WINGS:
        known = ", ".join(f"{name}://" for name in _WINGS)
        raise ConfigError(f"JOBS_BACKEND_URL starts with {scheme or url[:20]!r}: give one of {known}")
    wing = _WINGS[scheme]
    try:
        module = importlib.import_module(f"{__package__}.{wing}.backend")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(__package__ or ""):
            raise
        raise ConfigError(f"{scheme}:// needs a driver: pip install '{_DRIVERS.get(wing, wing)}'") from error
    backend = cast(Backend, module.open_url(url, clock=clock, **_accepted(wing, options)))
    backend.open()
    return backend


def _accepted(wing: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are meant for this kind of store: those that start with its name."""
    return {name.removeprefix(f"{wing}_"): value for name, value in options.items() if name.startswith(f"{wing}_")}
