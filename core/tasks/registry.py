"""Every task, schedule, observer, middleware and hook that was declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, get_args

from ..errors import ConfigError, UnknownTask
from ..model.cron import When
from ..model.snapshot import JobSnapshot
from .middleware import Hook, Middleware, check_hook, check_middleware
from .options import Using
from .task import Task

Event = Literal["completed", "failed", "dead"]
Moment = Literal["start", "stop"]
Observer = Callable[[JobSnapshot], object]
AnyTask = Task[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDeclaration:
    """A schedule as code declares it."""

    key: str
    task: AnyTask
    when: When
    timezone: str | None = None  # None: the application's
    arguments: dict[str, Any] = field(default_factory=dict)
    using: Using = field(default_factory=Using)
    enabled: bool = True


class Registry:
    """What one application declares. Filled at import time, read afterwards."""

    def __init__(self) -> None:
        self._tasks: dict[str, AnyTask] = {}
        self._schedules: dict[str, ScheduleDeclaration] = {}
        self._middleware: list[Middleware] = []
        self._hooks: dict[str, list[Hook]] = defaultdict(list)
        self._observers: dict[str, list[Observer]] = defaultdict(list)

    def add(self, task: AnyTask) -> AnyTask:
        """Register a task; the same function again (a module imported twice) replaces itself."""
        held = self._tasks.get(task.name)
        if held is not None and _origin(held) != _origin(task):
            raise ConfigError(
                f"two tasks are named {task.name}: {_origin(held)} and {_origin(task)}; give one of them name=..."
            )
        self._tasks[task.name] = task
        return task

    def get(self, name: str) -> AnyTask | None:
        return self._tasks.get(name)

    def find(self, name: str) -> AnyTask:
        """A task by name; raises UnknownTask that lists the likely ones."""
        task = self._tasks.get(name)
        if task is not None:
            return task
        near = get_close_matches(name, self._tasks, n=5, cutoff=0.5) or sorted(self._tasks)[:20]
        raise UnknownTask(f"no task is named {name[:200]!r}; known: {', '.join(near) or 'none'}", path="$.task")

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._tasks))

    def tasks(self) -> tuple[AnyTask, ...]:
        return tuple(self._tasks[name] for name in self.names())

    def add_schedule(self, declaration: ScheduleDeclaration) -> None:
        held = self._schedules.get(declaration.key)
        if held is not None and held.task.name != declaration.task.name:
            raise ConfigError(f"two schedules have the key {declaration.key}: give one of them key=...")
        self._schedules[declaration.key] = declaration

    def schedules(self) -> tuple[ScheduleDeclaration, ...]:
        return tuple(self._schedules.values())

    def add_middleware(self, made: Middleware) -> Middleware:
        self._middleware.append(check_middleware(made))
        return made

    def middleware(self) -> tuple[Middleware, ...]:
        """What stands around every handler, outermost first; usually none."""
        return tuple(self._middleware)

    def add_hook(self, moment: Moment, hook: Hook) -> Hook:
        self._hooks[moment].append(check_hook(hook))
        return hook

    def hooks(self, moment: Moment) -> tuple[Hook, ...]:
        """What a worker process does at its start or its end, in the order declared."""
        return tuple(self._hooks[moment])

    def observe(self, event: Event, observer: Observer) -> None:
        check_event(event)
        self._observers[event].append(observer)

    def observers(self, event: str) -> tuple[Observer, ...]:
        """Those to call after an accepted settle; usually none."""
        return tuple(self._observers.get(event, ()))


def check_event(event: str) -> None:
    if event not in get_args(Event):
        raise ConfigError(f"no event {event!r}: one of {', '.join(get_args(Event))}")


def _origin(task: AnyTask) -> str:
    return f"{task.func.__module__}.{task.func.__qualname__}"


registry = Registry()
"""The registry that `@task` and `@schedule` fill."""
