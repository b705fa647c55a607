"""The decorators: `@task` and `@schedule`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from ..errors import ConfigError
from ..model.cron import When, as_when, as_zone
from ..model.retry import Retry
from .context import JobContext
from .limit import Limit, Rate
from .options import make_using
from .registry import Registry, ScheduleDeclaration, registry
from .task import AsyncTask, Task, TaskOptions

P = ParamSpec("P")
R = TypeVar("R")


class Declare(Protocol):
    """What `@task(...)` is: a function in, its task out; a leading JobContext is no argument of the task."""

    @overload
    def __call__(self, func: Callable[Concatenate[JobContext, P], Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...

    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...

    @overload
    def __call__(self, func: Callable[Concatenate[JobContext, P], R], /) -> Task[P, R]: ...

    @overload
    def __call__(self, func: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(func: Callable[Concatenate[JobContext, P], Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...


@overload
def task(func: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...


@overload
def task(func: Callable[Concatenate[JobContext, P], R], /) -> Task[P, R]: ...


@overload
def task(func: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(
    *,
    name: str = "",
    queue: str = "default",
    priority: int = 0,
    retry: Retry | None = None,
    timeout: timedelta | float | None = None,
    keep_result: bool = True,
    isolated: bool = False,
    memory_limit: str | int = "",
    cpu_limit: timedelta | float | None = None,
    limit: Limit | None = None,
    rate: Rate | None = None,
    expires_in: timedelta | float | None = None,
    takes_context: bool | None = None,
    registry: Registry = registry,
) -> Declare: ...


def task(
    func: Callable[..., Any] | None = None,
    /,
    *,
    name: str = "",
    takes_context: bool | None = None,
    registry: Registry = registry,
    **options: Any,
) -> Any:
    """Declare a task.

    name: unique, by default module.function. queue, priority (-100 to 100), retry, timeout (seconds or timedelta),
    keep_result, expires_in: what its jobs get unless `.using()` says otherwise. limit, rate: how many of them may run
    at once, or start in a time. isolated: each job in a process of its own, with memory_limit ("512MB", or bytes) and
    cpu_limit (seconds or timedelta). takes_context: the first parameter receives the
    JobContext; by default it does when it is annotated so.
    """

    def declare(function: Callable[..., Any]) -> Task[..., Any]:
        kind = AsyncTask if inspect.iscoroutinefunction(function) else Task
        made: Task[..., Any] = kind(function, name=name, takes_context=takes_context, options=TaskOptions(**options))
        return registry.add(made)

    return declare if func is None else declare(func)


def schedule(
    when: str | When,
    *,
    key: str = "",
    timezone: str | None = None,
    arguments: dict[str, Any] | None = None,
    enabled: bool = True,
    registry: Registry = registry,
    **using: Any,
) -> Callable[[Task[P, R]], Task[P, R]]:
    """Let a task fire by the clock; stands above `@task`.

    when: a cron expression of five fields, or Every, Daily, Weekly, Monthly. key: unique, by default the task's name.
    timezone: an IANA name, by default the application's. enabled: how it starts; afterwards the switch in the
    dashboard counts. using: every option of `.using()` but delay and run_at.
    """
    checked = as_when(when)
    if timezone is not None:
        as_zone(timezone)

    def declare(declared: Task[P, R]) -> Task[P, R]:
        if not isinstance(declared, Task):
            raise ConfigError("@schedule stands above @task, not below it")
        declared.arguments.require(arguments or {})
        registry.add_schedule(
            ScheduleDeclaration(
                key=key or declared.name,
                task=declared,
                when=checked,
                timezone=timezone,
                arguments=arguments or {},
                using=make_using(using),
                enabled=enabled,
            )
        )
        return declared

    return declare
