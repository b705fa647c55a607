"""What an application does at the start and at the end of each worker process."""

from __future__ import annotations

import asyncio
import inspect

import structlog

from ..errors import ConfigError
from ..tasks.middleware import Hook, name_of
from ..tasks.registry import Registry

log = structlog.get_logger("jobs.worker")


class Hooks:
    """Called in the thread that runs the event loop, while it stands still: `async def` hooks run on it."""

    def __init__(self, registry: Registry, loop: asyncio.AbstractEventLoop) -> None:
        self._registry = registry
        self._loop = loop
        self._has_begun = False

    def start(self) -> None:
        """In the order they were declared. Raises ConfigError that names the one that failed."""
        self._has_begun = True
        for hook in self._registry.hooks("start"):
            try:
                self._call(hook)
            except Exception as error:
                self.stop()
                log.exception("a hook at the start failed", hook=name_of(hook))
                told = f"{name_of(hook)} failed at the start of a worker: {type(error).__name__}: {error}"
                raise ConfigError(told) from error

    def stop(self) -> None:
        """The last declared first; one that fails is told of and keeps none from running."""
        if not self._has_begun:
            return
        self._has_begun = False
        for hook in reversed(self._registry.hooks("stop")):
            try:
                self._call(hook)
            except Exception:
                log.exception("a hook at the end failed", hook=name_of(hook))

    def _call(self, hook: Hook) -> None:
        waits = hook()
        if inspect.iscoroutine(waits):
            self._loop.run_until_complete(waits)
