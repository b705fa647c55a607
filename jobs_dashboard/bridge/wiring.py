"""The one Jobs of this process, made from Django's settings when it is first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from django.core.signals import request_started

from core.app import Jobs
from core.backends.contract import Backend
from core.backends.deferred import deferred
from core.backends.opener import is_transactional, open_backend
from core.client import UnitOfWork
from core.config import Config
from core.control import Control
from core.tasks import binding
from core.worker.services import Duty

from .attempts import around_attempt
from .configuration import configuration, require_shared
from .outbox import Outbox
from .prompt import PromptBackend
from .unit_of_work import NoTransactions, Transactions


def wire(duties: Sequence[Duty]) -> None:
    """Say that Jobs are made here, and what runs beside workers in a process of the application's own; nothing is
    opened yet."""
    _maker.duties = tuple(duties)
    binding.provide(_maker.make)
    request_started.connect(_maker.serve_web, dispatch_uid="jobs_dashboard.web")


def current_jobs() -> Jobs:
    """Raises StoreUnavailable while its store cannot be reached; in a process that serves the web within two seconds
    (there the store is opened by the first question, which raises it)."""
    return cast(Jobs, binding.current())


def current_backend() -> Backend:
    return current_jobs().backend


def current_control() -> Control:
    return current_jobs().control


def workers_jobs() -> Jobs:
    """The Jobs of a process that runs jobs: it waits for its store as long as it takes."""
    jobs = make_jobs(is_web=False)
    _maker.hold(jobs)
    return jobs


def isolated_jobs() -> Jobs:
    """The Jobs of the processes that isolated jobs run in: it connects when it is first asked for something."""
    return make_jobs(lazily=True)


def make_jobs(*, is_web: bool = False, lazily: bool = False) -> Jobs:
    """A Jobs by Django's settings; opened, unless it is for the web, or lazily."""
    config = configuration()
    require_shared(config)
    opening = partial(open_backend, config.backend_url, redis_max_connections=config.redis_max_connections)
    if is_web:
        backend = cast(Backend, PromptBackend(opening))
    else:
        backend = deferred(opening) if lazily else opening()
    return Jobs(
        config=config,
        backend=backend,
        unit_of_work=unit_of_work(config),
        around=[around_attempt],
        duties=_maker.duties,
    )


def jobs_of_store(url: str) -> Jobs:
    """A Jobs beside the process's own, by Django's settings but for its store. Raises StoreUnavailable."""
    config = configuration(backend_url=url)
    require_shared(config)
    return Jobs(config=config, backend=open_backend(url, redis_max_connections=config.redis_max_connections))


def unit_of_work(config: Config) -> UnitOfWork:
    """What an enqueue inside a transaction comes to, by the settings."""
    if not config.on_commit:
        return NoTransactions()
    return Transactions(joins=is_transactional(config.backend_url), outbox=Outbox() if config.outbox else None)


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
    """Makes the Jobs of a process: prompt as soon as it serves requests, patient in commands and workers."""

    def __init__(self) -> None:
        self.held: Jobs | None = None
        self.duties: tuple[Duty, ...] = ()
        self._is_web = False

    def serve_web(self, **_: Any) -> None:
        """Heard with every request; the first one tells what this process is."""
        self._is_web = True

    def make(self) -> Jobs:
        self.held = make_jobs(is_web=self._is_web)
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
