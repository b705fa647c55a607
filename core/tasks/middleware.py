"""What stands around every attempt: a middleware's form, and what a worker process does at its start and end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import Any

from ..errors import ConfigError
from .context import JobContext

Middleware = Callable[[JobContext], Generator[Any, Any, Any]]
"""A generator function that yields once: the handler, `def` or `async def`, runs there.

The yield answers what the handler returned, or raises what it raised. Another result takes the place of the handler's
when it is returned; None leaves that as it is. To return or raise before the yield is to stop the attempt there.
"""
Hook = Callable[[], Any]


def check_middleware(made: Middleware) -> Middleware:
    if not inspect.isgeneratorfunction(made) and not inspect.isgeneratorfunction(getattr(made, "__call__", None)):  # noqa: B004
        raise ConfigError(
            f"{name_of(made)} is no middleware: write a generator function that takes the JobContext and yields once,"
            " where the handler is to run"
        )
    return made


def check_hook(hook: Hook) -> Hook:
    try:
        inspect.signature(hook).bind()
    except TypeError as error:
        raise ConfigError(f"{name_of(hook)} cannot be called at a worker's start or end: {error}") from error
    return hook


def name_of(function: Callable[..., Any]) -> str:
    """What people call it."""
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"
