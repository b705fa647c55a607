"""A task: a declared function, what it says about its jobs, and the verbs that enqueue them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, cast

from ..errors import ConfigError, InvalidArguments, as_timedelta
from ..model.gate import Gate
from ..model.limits import TASK_FORM, TASK_NAME
from ..model.payload import check_queue, pack_result
from ..model.retry import Retry
from .arguments import Arguments
from .binding import current
from .handle import JobHandle
from .limit import Limit, Rate, check_gates, gate_of
from .options import Using, check_priority, make_using
from .quota import cpu_seconds, memory_bytes
from .request import JobRequest, TaskDefaults

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """What a declaration says; None means "as the configuration says"."""

    queue: str = "default"
    priority: int = 0
    retry: Retry | None = None
    timeout: timedelta | float | None = None
    keep_result: bool = True
    isolated: bool = False
    memory_limit: str | int = ""
    cpu_limit: timedelta | float | None = None
    limit: Limit | None = None
    rate: Rate | None = None
    expires_in: timedelta | float | None = None

    def __post_init__(self) -> None:
        check_queue(self.queue)
        check_priority(self.priority)
        timeout = as_timedelta(self.timeout)
        if timeout is not None and timeout <= timedelta(0):
            raise ConfigError("a task's timeout is longer than nothing")
        object.__setattr__(self, "timeout", timeout)
        if (memory_bytes(self.memory_limit) or cpu_seconds(self.cpu_limit)) and not self.isolated:
            raise ConfigError("memory_limit and cpu_limit are for isolated=True: a thread has no memory of its own")
        make_using({"expires_in": self.expires_in})  # checked as any job's


class Task(Generic[P, R]):
    """A function that can be run as a job. Calling it runs it here and now, as if it had never been declared."""

    def __init__(
        self, func: Callable[P, R], *, name: str = "", takes_context: bool | None = None, options: TaskOptions
    ) -> None:
        self.func = func
        self.name = name or default_name(func)
        if not TASK_NAME.fullmatch(self.name):
            raise ConfigError(f"{self.name!r} cannot name a task: {TASK_FORM}")
        self.options = options
        self.arguments = Arguments(self.name, func, takes_context=takes_context)
        check_gates(self.name, options.limit, options.rate, self.arguments.names)
        self.is_async = inspect.iscoroutinefunction(func)
        functools.update_wrapper(self, func)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.func(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    # Enqueueing

    def using(self, **options: Any) -> BoundTask[P, R]:
        """This task with options for the jobs made through it: queue, priority, delay, run_at, retry, max_attempts,
        timeout, unique_key, unique_while, unique_for, expires_in, metadata, keep_result."""
        return BoundTask(self, make_using(options))

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Store a job. Raises InvalidArguments here, not in the worker, when the arguments do not fit."""
        return BoundTask(self, Using()).enqueue(*args, **kwargs)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        return await BoundTask(self, Using()).aenqueue(*args, **kwargs)

    def enqueue_many(self, calls: Iterable[Mapping[str, Any]]) -> list[JobHandle[R]]:
        """One job for each map of arguments, in one call; handles in the same order."""
        return BoundTask(self, Using()).enqueue_many(calls)

    async def aenqueue_many(self, calls: Iterable[Mapping[str, Any]]) -> list[JobHandle[R]]:
        return await BoundTask(self, Using()).aenqueue_many(calls)

    def request(self, *args: Any, **kwargs: Any) -> JobRequest:
        """A checked job that is not sent yet, for `jobs.enqueue_many([...])` and `chain(...)`."""
        return BoundTask(self, Using()).request(*args, **kwargs)

    # What the worker asks

    @property
    def queue(self) -> str:
        return self.options.queue

    @property
    def isolated(self) -> bool:
        return self.options.isolated

    @property
    def memory_bytes(self) -> int:
        """What an isolated job may have in memory; 0 for no limit."""
        return memory_bytes(self.options.memory_limit)

    @property
    def cpu_s(self) -> int:
        """How many seconds of CPU time an isolated job may use; 0 for no limit."""
        return cpu_seconds(self.options.cpu_limit)

    @property
    def takes_context(self) -> bool:
        return self.arguments.takes_context

    @property
    def retry(self) -> Retry | None:
        return self.options.retry

    @property
    def timeout(self) -> timedelta | None:
        return cast("timedelta | None", self.options.timeout)

    def load(self, packed: bytes) -> dict[str, Any]:
        """Stored arguments as keyword arguments of the handler. Raises InvalidArguments."""
        return self.arguments.load(packed)

    def dump_result(self, value: Any) -> bytes:
        """A result as stored. Raises InvalidInput when it is no data, PayloadTooLarge when it is too big."""
        return pack_result(value)

    def request_for(
        self, data: Mapping[str, Any], using: Using, *, max_attempts: int, schedule: str = "", parent: str = ""
    ) -> JobRequest:
        """A checked request from plain data; max_attempts counts when neither declaration nor options name any."""
        options, missing = self.options, self.arguments.lacking(data)
        attempts = options.retry.max_attempts if options.retry is not None else max_attempts
        return JobRequest(
            task=self.name,
            arguments=self.arguments.pack(data),
            missing=missing,
            defaults=TaskDefaults(options.queue, options.priority, attempts, options.keep_result, options.expires_in),
            using=using,
            schedule=schedule,
            parent=parent,
            gate=self._gate(data, missing),
        )

    def _gate(self, data: Mapping[str, Any], missing: Sequence[str]) -> Gate | None:
        limit, rate = self.options.limit, self.options.rate
        said = limit or rate
        if said is not None and said.key in missing:
            told = f"{said.key} is missing, and {self.name} is limited by it: give it, also in a later step of a chain"
            raise InvalidArguments(told, path=f"$.arguments.{said.key}")
        return gate_of(self.name, limit, rate, lambda name: self.arguments.value_of(name, data))


class AsyncTask(Task[P, R]):
    """A task of an `async def`: calling it makes the coroutine; a job's result is what that returns."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:  # type: ignore[override]
        return cast("Coroutine[Any, Any, R]", self.func(*args, **kwargs))


@dataclass(frozen=True, slots=True)
class BoundTask(Generic[P, R]):
    """A task with the options of the jobs that are made through it."""

    task: Task[P, R]
    options: Using = field(default_factory=Using)

    def using(self, **options: Any) -> BoundTask[P, R]:
        """More options on top of these."""
        given = {name: getattr(self.options, name) for name in Using.__dataclass_fields__}
        return BoundTask(self.task, make_using({n: v for n, v in given.items() if v is not None} | options))

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        return current().enqueue_many([self.request(*args, **kwargs)])[0]

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        return (await current().aenqueue_many([self.request(*args, **kwargs)]))[0]

    def enqueue_many(self, calls: Iterable[Mapping[str, Any]]) -> list[JobHandle[R]]:
        return current().enqueue_many([self.request(**call) for call in calls])

    async def aenqueue_many(self, calls: Iterable[Mapping[str, Any]]) -> list[JobHandle[R]]:
        return await current().aenqueue_many([self.request(**call) for call in calls])

    def request(self, *args: Any, **kwargs: Any) -> JobRequest:
        """A checked job that is not sent yet; it may lack arguments only as a later step of a chain."""
        data = self.task.arguments.bind(args, kwargs)
        return self.task.request_for(data, self.options, max_attempts=_configured_attempts())


def default_name(func: Callable[..., Any]) -> str:
    """module.function."""
    return f"{func.__module__}.{func.__qualname__}".replace(".<locals>", "")


def _configured_attempts() -> int:
    return current().config.max_attempts
