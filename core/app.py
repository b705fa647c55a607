"""Jobs: the one composition root; what an application holds of the engine."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, TypeVar, cast

from .backends.contract import Acted, Backend, PageQuery, QueueCounts
from .backends.deferred import deferred
from .backends.opener import Upgrade, open_backend, upgrade
from .client import Client, NoUnitOfWork, UnitOfWork
from .config import Config, read_config
from .control import Control
from .errors import JobNotFound, ResultUnavailable
from .model.clock import Clock
from .model.ident import JobRef
from .model.job import Claim
from .model.partition import Partitions
from .model.payload import unpack_data
from .model.snapshot import JobSnapshot
from .model.states import State, Verb
from .tasks import binding
from .tasks.declare import task as declare_task
from .tasks.handle import JobHandle
from .tasks.middleware import Hook, Middleware, check_middleware
from .tasks.registry import AnyTask, Event, Observer, Registry, check_event
from .tasks.registry import registry as default_registry
from .tasks.request import JobRequest
from .worker.inprocess import Runner
from .worker.services import Duty
from .worker.shares import read_queues

T = TypeVar("T")
Around = Callable[[Claim], AbstractContextManager[None]]
_NOTHING = nullcontext()
_POLL_RESULT_S = (0.005, 0.25)  # first and longest pause between two looks for a result


class Jobs:
    """A queue, opened.

    url: of the store; else JOBS_BACKEND_URL, else memory. state: the application's own object, handed to handlers
    as ctx.state. middleware: around every handler, outside of what `@jobs.middleware` adds. The first Jobs of a process
    is the one that tasks enqueue to.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        state: Any = None,
        config: Config | None = None,
        registry: Registry = default_registry,
        unit_of_work: UnitOfWork | None = None,
        around: Sequence[Around] = (),
        middleware: Sequence[Middleware] = (),
        duties: Sequence[Duty] = (),
        clock: Clock | None = None,
        backend: Backend | None = None,
        **settings: Any,
    ) -> None:
        self.config = config or read_config(backend_url=url, **settings)
        self.state = state
        self.registry = registry
        self.backend = backend or _open(self.config, clock)
        self.control = Control(self.backend, Partitions(self.config.partitions))
        self._unit_of_work = unit_of_work or NoUnitOfWork()
        self.client = Client(self.backend, registry, self.config, self._unit_of_work, self)
        self._around = tuple(around)
        self._middleware = tuple(check_middleware(each) for each in middleware)
        self._duties = tuple(duties)
        self._runner: Runner | None = None
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="jobs-async")
        if not binding.is_bound():
            binding.bind(self)

    @staticmethod
    def migrate(url: str | None = None) -> Upgrade:
        """Bring a store to this version's schema, as opening it would, before anything runs: at a deploy. Answers what
        was found and what is there now. Raises StoreUnavailable, StoreFormatError."""
        return upgrade(read_config(backend_url=url).backend_url)

    # Enqueueing

    def enqueue(self, task: str | JobRequest, /, **arguments: Any) -> JobHandle[Any]:
        """Enqueue a request, or a task by its name."""
        request = task if isinstance(task, JobRequest) else self.client.request(task, arguments)
        return self.enqueue_many([request])[0]

    def enqueue_many(self, requests: Sequence[JobRequest]) -> list[JobHandle[Any]]:
        """Enqueue requests of the same or of different tasks in one call; handles in the order given."""
        return self.client.enqueue(requests)

    async def aenqueue(self, task: str | JobRequest, /, **arguments: Any) -> JobHandle[Any]:
        request = task if isinstance(task, JobRequest) else self.client.request(task, arguments)
        return (await self.aenqueue_many([request]))[0]

    async def aenqueue_many(self, requests: Sequence[JobRequest]) -> list[JobHandle[Any]]:
        return await self.client.aenqueue(requests, self._in_thread)

    # Declaring

    def register(self, name: str, func: Callable[..., Any], **options: Any) -> AnyTask:
        """Declare a task without a decorator."""
        return cast(AnyTask, declare_task(name=name, registry=self.registry, **options)(func))

    def on(self, event: Event) -> Callable[[Observer], Observer]:
        """Call a function after each job that "completed", "failed" or is "dead", in the worker, after its settle."""
        return observing(self.registry, event)

    def middleware(self, made: Middleware) -> Middleware:
        """Put a generator function around every handler: `def timed(ctx): before; result = yield; after`.

        The yield answers what the handler returned, or raises what it raised. What is returned, unless it is None,
        takes the place of the result; to return or raise before the yield is to stop the attempt there.
        """
        return self.registry.add_middleware(made)

    def on_start(self, hook: Hook) -> Hook:
        """Call a function, `def` or `async def`, when a worker process starts; if it fails, the worker does."""
        return self.registry.add_hook("start", hook)

    def on_stop(self, hook: Hook) -> Hook:
        """Call a function, `def` or `async def`, when a worker process has run its last job."""
        return self.registry.add_hook("stop", hook)

    @property
    def layers(self) -> tuple[Middleware, ...]:
        """The middleware around every handler, outermost first."""
        return self._middleware + self.registry.middleware()

    # Asking

    def get(self, job_id: str) -> JobSnapshot | None:
        """A job now, by its public id; None when there is none any more."""
        return self.get_many([job_id])[0]

    def get_many(self, job_ids: Iterable[str]) -> list[JobSnapshot | None]:
        refs = [JobRef.parse(job_id) for job_id in job_ids]
        return [None if found is None else JobSnapshot(found) for found in self.backend.get(refs)]

    async def aget(self, job_id: str) -> JobSnapshot | None:
        return await self._in_thread(self.get, job_id)

    def result(self, job_id: str, *, timeout: float | None = None) -> Any:
        """Wait until a job ends and answer its result. timeout: seconds, None waits for ever."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, longest = _POLL_RESULT_S
        while True:
            job = self.get(job_id)
            if job is not None and job.state.is_final:
                return _result_of(job)
            if deadline is not None and time.monotonic() >= deadline:
                state = "not there" if job is None else job.state
                raise ResultUnavailable(f"{job_id} has not ended within {timeout} s; it is {state}")
            time.sleep(pause)
            pause = min(longest, pause * 1.5)

    async def aresult(self, job_id: str, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - as result()
        return await self._in_thread(self.result, job_id, timeout=timeout)

    def stats(self) -> list[QueueCounts]:
        """Every queue in numbers, by name."""
        return self.backend.counts()

    def recent(self, *, limit: int = 10, state: State | str = State.COMPLETED) -> list[JobSnapshot]:
        """The newest jobs of a final state, or the next ones of another."""
        page = self.backend.page(PageQuery(state=State(state), limit=limit))
        whole = self.backend.get([job.ref for job in page.jobs])  # rows of a page carry no result
        return [JobSnapshot(job) for job in whole if job is not None]

    # Acting

    def retry(self, job_id: str, *, reason: str = "") -> Acted:
        return self._act(Verb.RETRY, job_id, reason)

    def cancel(self, job_id: str, *, reason: str = "") -> Acted:
        return self._act(Verb.CANCEL, job_id, reason)

    def discard(self, job_id: str, *, reason: str = "discarded") -> Acted:
        return self._act(Verb.DISCARD, job_id, reason)

    # Running workers in this process

    def start(self, *, concurrency: int | None = None, queues: Sequence[str] = ()) -> None:
        """Run workers, keeper and services as threads of this process until `stop`.

        queues: in order of preference, as in `runworkers --queues`; none means all.
        """
        if self._runner is None:
            slots = concurrency or self.config.worker_count
            runner = Runner(self, served=read_queues(queues), concurrency=slots, duties=self._duties)
            runner.start()
            self._runner = runner

    def stop(self, *, grace: float | None = None) -> None:
        """Stop what `start` began: claims first, handlers finish within `grace` seconds, the rest is given back."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            runner.stop(self.config.grace.total_seconds() if grace is None else grace)

    @contextmanager
    def running(self, *, concurrency: int | None = None, queues: Sequence[str] = ()) -> Iterator[Jobs]:
        """Workers while the block runs."""
        self.start(concurrency=concurrency, queues=queues)
        try:
            yield self
        finally:
            self.stop()

    def close(self) -> None:
        """Stop and disconnect; this Jobs is no longer the process's."""
        self.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.backend.close()
        binding.unbind(self)

    def reopened(self, *, lazily: bool = False) -> Jobs:
        """The same Jobs with a connection of its own, and the one that tasks enqueue to: for a forked child.

        lazily: connect when the store is first asked for something.
        """
        again = Jobs(
            config=self.config,
            backend=deferred(functools.partial(_open, self.config)) if lazily else None,
            state=self.state,
            registry=self.registry,
            unit_of_work=self._unit_of_work,
            around=self._around,
            middleware=self._middleware,
            duties=self._duties,
        )
        binding.bind(again)
        return again

    def around_attempt(self, claim: Claim) -> AbstractContextManager[None]:
        """What the application wraps around every handler: connections, language, context."""
        return _all_around(self._around, claim) if self._around else _NOTHING

    def _act(self, verb: Verb, job_id: str, reason: str) -> Acted:
        [acted] = self.control.act(verb, [JobRef.parse(job_id)], reason=reason)
        if acted.before is None:
            raise JobNotFound(f"no job has the id {job_id}: it never was, or retention deleted it")
        return acted

    async def _in_thread(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(call, *args, **kwargs))


def _open(config: Config, clock: Clock | None = None) -> Backend:
    return open_backend(config.backend_url, clock=clock, redis_max_connections=config.redis_max_connections)


@contextmanager
def _all_around(around: Sequence[Around], claim: Claim) -> Iterator[None]:
    with ExitStack() as stack:
        for one in around:
            stack.enter_context(one(claim))
        yield


def observing(registry: Registry, event: Event) -> Callable[[Observer], Observer]:
    """A decorator that registers an observer; a wrong event is refused before there is one."""
    check_event(event)

    def observe(observer: Observer) -> Observer:
        registry.observe(event, observer)
        return observer

    return observe


class CurrentJobs:
    """Stands for the Jobs of the process, whichever that will be; declarations work before there is one."""

    def on(self, event: Event) -> Callable[[Observer], Observer]:
        return observing(default_registry, event)

    def middleware(self, made: Middleware) -> Middleware:
        return default_registry.add_middleware(made)

    def on_start(self, hook: Hook) -> Hook:
        return default_registry.add_hook("start", hook)

    def on_stop(self, hook: Hook) -> Hook:
        return default_registry.add_hook("stop", hook)

    def register(self, name: str, func: Callable[..., Any], **options: Any) -> AnyTask:
        return cast(AnyTask, declare_task(name=name, **options)(func))

    def __getattr__(self, name: str) -> Any:
        return getattr(binding.current(), name)


jobs: Jobs = cast(Jobs, CurrentJobs())
"""The Jobs of the process: `from jobs_dashboard import jobs`."""


def _result_of(job: JobSnapshot) -> Any:
    if job.state is not State.COMPLETED:
        told = f": {job.error.type}: {job.error.message}" if job.error and job.state is State.DEAD else ""
        raise ResultUnavailable(f"{job.id} is {job.state} ({job.reason}){told}")
    return None if job.stored.result is None else unpack_data(job.stored.result)
