"""The way of an attempt through its middleware to the handler, and back: one form for threads and the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

from ..tasks.context import JobContext
from ..tasks.middleware import Middleware, name_of


def run_through(middleware: Sequence[Middleware], context: JobContext, handler: Callable[[], Any]) -> Any:
    """Call a `def` handler inside its middleware."""
    passage = Passage()
    try:
        if passage.is_open(middleware, context):
            passage.value = handler()
    except BaseException as error:  # noqa: BLE001 - whatever it is, each middleware is shown it on the way back
        passage.error = error
    return passage.go_back()


async def arun_through(
    middleware: Sequence[Middleware], context: JobContext, handler: Callable[[], Awaitable[Any]]
) -> Any:
    """The same for an `async def` handler; the middleware runs on the event loop."""
    passage = Passage()
    try:
        if passage.is_open(middleware, context):
            passage.value = await handler()
    except BaseException as error:  # noqa: BLE001 - the same
        passage.error = error
    return passage.go_back()


class Passage:
    """The middleware that was entered, outermost first, and what comes back from within."""

    def __init__(self) -> None:
        self._entered: list[tuple[Middleware, Generator[Any, Any, Any]]] = []
        self.value: Any = None
        self.error: BaseException | None = None

    def is_open(self, middleware: Sequence[Middleware], context: JobContext) -> bool:
        """Go in, up to the handler; False when one of them answered in its place."""
        for each in middleware:
            steps = each(context)
            try:
                next(steps)
            except StopIteration as stopped:
                self.value = stopped.value
                return False
            self._entered.append((each, steps))
        return True

    def go_back(self) -> Any:
        """Out again, innermost first; answers the result or raises the error that the last one left."""
        while self._entered:
            each, steps = self._entered.pop()
            before = self.error
            try:
                if before is None:
                    steps.send(self.value)
                else:
                    steps.throw(before)
            except StopIteration as done:
                self.error = None
                if before is not None or done.value is not None:
                    self.value = done.value
            except BaseException as error:  # noqa: BLE001 - it takes the place of what came from within
                is_wrapped = isinstance(error, RuntimeError) and before is not None and error.__cause__ is before
                self.error = before if is_wrapped and isinstance(before, StopIteration) else error
            else:
                steps.close()
                self.error = RuntimeError(f"{name_of(each)} yields twice: a middleware yields once")
        if self.error is not None:
            raise self.error
        return self.value
