"""From a URL to a store: the one place that knows the concrete ones, imported by name because drivers are optional."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple, cast

from ..errors import ConfigError
from ..model.clock import Clock
from .contract import Backend

_WINGS = {
    "memory": "memory",
    "sqlite": "sqlite",
    "redis": "redis",
    "rediss": "redis",
    "unix": "redis",
    "redis+cluster": "redis",
    "rediss+cluster": "redis",
    "redis+sentinel": "redis",
    "rediss+sentinel": "redis",
    "postgres": "postgres",
    "postgresql": "postgres",
}
_TRANSACTIONAL = frozenset(["postgres"])
_WITH_SCHEMA = frozenset(["sqlite", "postgres"])
_DRIVERS = {"redis": "redis[hiredis]", "postgres": "psycopg[binary,pool]"}


def open_backend(url: str, *, clock: Clock | None = None, **options: Any) -> Backend:
    """The store that a URL names, connected and checked.

    Raises ConfigError for a URL that names none, StoreUnavailable or StoreFormatError from opening it.
    """
    wing = wing_of(url)
    backend = cast(Backend, _module(url).open_url(url, clock=clock, **_accepted(wing, options)))
    backend.open()
    return backend


def wing_of(url: str) -> str:
    """Which kind of store a URL names. Raises ConfigError when it is none."""
    scheme, mark, _ = url.partition("://")
    if not mark or scheme not in _WINGS:
        known = ", ".join(f"{name}://" for name in _WINGS)
        raise ConfigError(f"JOBS_BACKEND_URL begins with {scheme[:20]!r}: give one of {known}")
    return _WINGS[scheme]


def is_transactional(url: str) -> bool:
    """What Features.transactional of the store at a URL will say, without opening it."""
    return wing_of(url) in _TRANSACTIONAL


class Upgrade(NamedTuple):
    """What bringing a store up to date did. url: without its password. before: the schema that was found, 0 for none;
    after: the one it has now. Both are None for a kind of store that has no schema."""

    url: str
    before: int | None
    after: int | None


def upgrade(url: str) -> Upgrade:
    """Bring a store to this version's schema, as opening it would. Raises what open_backend raises."""
    before, newest = schema_of(url)
    store = open_backend(url)
    store.close()
    after = None if before is None or newest is None else max(before, newest)
    return Upgrade(store.url, before, after)


def schema_of(url: str) -> tuple[int, int] | tuple[None, None]:
    """The number of a store's schema and of the newest one; changes nothing. Raises StoreUnavailable."""
    wing = wing_of(url)
    if wing not in _WITH_SCHEMA:
        return None, None
    _module(url)  # which says what to install when its driver is missing
    found: tuple[int, int] = importlib.import_module(f"{__package__}.{wing}.peek").schema_at(url)
    return found


def preload(url: str) -> None:
    """Import what opening a URL will need: before a fork, so that the children share it."""
    _module(url)


def _module(url: str) -> ModuleType:
    wing = wing_of(url)
    try:
        return importlib.import_module(f"{__package__}.{wing}.backend")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(__package__ or ""):
            raise
        raise ConfigError(f"{wing}:// needs a driver: pip install '{_DRIVERS.get(wing, wing)}'") from error


def _accepted(wing: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are meant for this kind of store: those that start with its name."""
    return {name.removeprefix(f"{wing}_"): value for name, value in options.items() if name.startswith(f"{wing}_")}
