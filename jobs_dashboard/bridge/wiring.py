"""The one Jobs of this process, made from Django's settings when it is first asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from core.app import Jobs
from core.backends.contract import Backend
from core.config import Config
from core.control import Control
from core.errors import StoreUnavailable
from core.tasks import binding

from .attempts import around_attempt
from .configuration import configuration
from .unit_of_work import OnCommit

_FAILED_FOR_S = 1.0


def wire() -> None:
    """Say that Jobs are made here; nothing is opened yet."""
    binding.provide(_maker.make)


def current_jobs() -> Jobs:
    """Raises StoreUnavailable while its store cannot be reached, within two seconds."""
    return cast(Jobs, binding.current())


def current_backend() -> Backend:
    return current_jobs().backend


def current_control() -> Control:
    return current_jobs().control


def make_jobs(**arguments: object) -> Jobs:
    """A Jobs by Django's settings, opened; arguments go before the settings."""
    config = configuration(**arguments)
    require_shared(config)
    return Jobs(config=config, unit_of_work=OnCommit(), around=[around_attempt])


def require_shared(config: Config) -> None:
    """Refuse a store that only one process would see: web, commands and workers are several."""
    if not config.backend_url:
        raise ImproperlyConfigured("JOBS_BACKEND_URL is not set and there is no BASE_DIR to keep a file under: set it.")
    if urlsplit(config.backend_url).scheme == "memory":
        raise ImproperlyConfigured(
            "JOBS_BACKEND_URL is memory://, which only this process would see, and not the workers: "
            "give sqlite:///path or redis://…, or run workers inside your own process with Jobs.start()."
        )


@contextmanager
def use(jobs: Jobs) -> Iterator[Jobs]:
    """Make this the Jobs of the process for a while: for tests, and for those who make their own."""
    before = _maker.held
    _maker.hold(jobs)
    try:
        yield jobs
    finally:
        binding.unbind(jobs)
        if before is not None:
            _maker.hold(before)


class _Maker:
    """Makes Jobs once; a store that did not answer is not asked again within a second by every waiting thread."""

    def __init__(self) -> None:
        self.held: Jobs | None = None
        self._failure: StoreUnavailable | None = None
        self._failed_at = 0.0

    def make(self) -> Jobs:
        if self._failure is not None and time.monotonic() - self._failed_at < _FAILED_FOR_S:
            raise StoreUnavailable(str(self._failure)) from self._failure
        try:
            self.held = make_jobs()
        except StoreUnavailable as error:
            self._failure, self._failed_at = error, time.monotonic()
            raise
        self._failure = None
        return self.held

    def hold(self, jobs: Jobs) -> None:
        self.held = jobs
        binding.bind(jobs)

    def start_anew(self) -> None:
        """In a forked child: its parent's connections are not its own."""
        held, self.held = self.held, None
        if held is not None:
            binding.unbind(held)


_maker = _Maker()
os.register_at_fork(after_in_child=_maker.start_anew)
