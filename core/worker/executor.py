"""One attempt from its arguments to its Finished: the only place that catches whatever a handler may raise."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

import structlog

from ..model.progress import unpack_checkpoint
from ..tasks.context import JobContext
from ..tasks.registry import AnyTask
from .attempt import Attempt, Finished
from .engine import Engine
from .notes import notebook_of, store_time
from .passage import arun_through, run_through
from .seat import HandlerSeat, LoopSeat
from .settlement import Settlement

log = structlog.get_logger("jobs.worker")


class Executor:
    """Runs attempts; it keeps nothing between them."""

    def __init__(
        self,
        engine: Engine,
        settlement: Settlement,
        *,
        on_start: Callable[[Attempt], None],
        on_note: Callable[[Attempt], None],
    ) -> None:
        self._engine = engine
        self._on_start = on_start
        self._on_note = on_note
        self._settlement = settlement

    def run_in_thread(self, attempt: Attempt, seat: HandlerSeat) -> Finished:
        """Run a `def` handler in the calling thread."""
        attempt.seat = seat
        try:
            value = contextvars.copy_context().run(self._call, attempt, seat)
            return self._settlement.completed(attempt, value)
        except BaseException as error:  # noqa: BLE001 - also SystemExit: a handler cannot end the worker
            return self.failed(attempt, error)

    async def run_on_loop(self, attempt: Attempt) -> Finished:
        """Run an `async def` handler in the current task."""
        task = asyncio.current_task()
        assert task is not None
        attempt.seat = LoopSeat(asyncio.get_running_loop(), task)
        try:
            if attempt.interrupt is not None:
                raise attempt.interrupt
            with self._engine.around_attempt(attempt.claim):
                value = await self._handler(attempt)()
            return self._settlement.completed(attempt, value)
        except BaseException as error:  # noqa: BLE001 - the same, and CancelledError
            return self.failed(attempt, error)

    def failed(self, attempt: Attempt, error: BaseException) -> Finished:
        """What an attempt that raised ends in, whatever it raised."""
        try:
            return self._settlement.failed(attempt, error)
        except Exception:  # an error that cannot even be formatted must not cost the slot
            log.exception("an error could not be described", job=str(attempt.claim.ref))
            plain = RuntimeError(f"{type(error).__name__}, which could not be described; the worker's log says why")
            return self._settlement.failed(attempt, plain)

    def _call(self, attempt: Attempt, seat: HandlerSeat) -> Any:
        with self._engine.around_attempt(attempt.claim):
            return seat.run(attempt, self._handler(attempt))

    def _handler(self, attempt: Attempt) -> Callable[[], Any]:
        """The task's function with its arguments. Raises InvalidArguments, which is permanent."""
        self._on_start(attempt)
        task = attempt.task
        arguments = task.load(attempt.claim.arguments)
        layers = self._engine.layers
        if not layers and not task.takes_context:
            return functools.partial(task.func, **arguments)
        context = self._context(attempt, arguments)
        call = functools.partial(_call, task, context)
        if not layers:
            return call
        return functools.partial(arun_through if task.is_async else run_through, layers, context, call)

    def _context(self, attempt: Attempt, arguments: dict[str, Any]) -> JobContext:
        claim = attempt.claim
        attempt.cancel_event = threading.Event()
        return JobContext(
            job_id=str(claim.ref),
            attempt=claim.attempts,
            max_attempts=claim.max_attempts,
            task=claim.task,
            queue=claim.queue,
            token=claim.token,
            metadata=attempt.options.metadata,
            arguments=arguments,
            state=self._engine.state,
            cursor=unpack_checkpoint(claim.checkpoint),
            notebook=notebook_of(attempt, self._on_note),
            now=functools.partial(store_time, attempt),
            cancel_asked=attempt.cancel_event,
        )


def _call(task: AnyTask, context: JobContext) -> Any:
    """With the arguments as the middleware left them."""
    return task.func(context, **context.arguments) if task.takes_context else task.func(**context.arguments)
