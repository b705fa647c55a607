"""Where `.enqueue()` finds the Jobs it goes to: one for the process, bound by an application or by its framework."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ..config import Config
from ..errors import ConfigError
from .handle import JobHandle
from .request import JobRequest


class Door(Protocol):
    """What a task needs of a Jobs."""

    config: Config

    def enqueue_many(self, requests: Sequence[JobRequest]) -> list[JobHandle[Any]]: ...

    async def aenqueue_many(self, requests: Sequence[JobRequest]) -> list[JobHandle[Any]]: ...


_lock = threading.RLock()
_bound: Door | None = None
_provider: Callable[[], Door] | None = None


def bind(door: Door) -> None:
    """Make this the Jobs of the process."""
    global _bound
    with _lock:
        _bound = door


def unbind(door: Door) -> None:
    """Take this Jobs back, if it is the one; the next one asked for is made anew."""
    global _bound
    with _lock:
        if _bound is door:
            _bound = None


@contextmanager
def bound_to(door: Door) -> Iterator[None]:
    """Make this the Jobs of the process while the block runs."""
    global _bound
    with _lock:
        before, _bound = _bound, door
    try:
        yield
    finally:
        with _lock:
            _bound = before


def provide(provider: Callable[[], Door] | None) -> None:
    """Name who makes the Jobs of the process when it is first asked for."""
    global _provider
    with _lock:
        _provider = provider


def current() -> Door:
    """The Jobs of the process. Raises ConfigError when there is none."""
    bound = _bound
    if bound is not None:
        return bound
    with _lock:
        if _bound is None:
            if _provider is None:
                raise ConfigError(
                    "no Jobs is bound in this process: make one, as jobs = Jobs('sqlite:///jobs.db'),"
                    " or configure Django with 'jobs_dashboard' in INSTALLED_APPS"
                )
            bind(_provider())
        assert _bound is not None
        return _bound


def is_bound() -> bool:
    return _bound is not None or _provider is not None
