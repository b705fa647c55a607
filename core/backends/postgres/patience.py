"""Connections that give up: on a server that keeps its sockets open and says nothing, as one that is stopped does."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg

RV = TypeVar("RV")

_GRACE_S: Final = 5.0  # the server ends a statement that takes too long by itself, and says so better


class NoAnswerError(psycopg.OperationalError):
    """A server did not say anything for too long; what it was asked may have been done, or be done yet."""


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """Waits for as long as it takes, but for what is asked of it within `hurried`."""

    _answer_s: float | None = None

    @contextmanager
    def hurried(self, answer_s: float) -> Iterator[None]:
        """Raise NoAnswerError, and close, when nothing was heard for so long, and a little longer."""
        self._answer_s = answer_s + _GRACE_S
        try:
            yield
        finally:
            self._answer_s = None

    def wait(self, gen: Generator[Any, Any, RV], *args: Any, **options: Any) -> RV:
        if self._answer_s is None:
            return super().wait(gen, *args, **options)
        try:
            return super().wait(_heard(gen, self._answer_s), *args, **options)
        except NoAnswerError:
            self.close()
            with suppress(psycopg.Error):
                gen.close()  # a pipeline's would ask the server once more when it is thrown away
            raise


def _heard(gen: Generator[Any, Any, RV], answer_s: float) -> Generator[Any, Any, RV]:
    """The steps of a question to the server, ended when none of them made progress for so long. The driver sends
    nothing, in intervals of its own, while the socket is not ready."""
    until = monotonic() + answer_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                until = monotonic() + answer_s
            elif monotonic() > until:
                raise NoAnswerError(f"no answer within {answer_s:.0f} seconds")
            wanted = gen.send(ready)
    except StopIteration as done:
        answer: RV = done.value
        return answer
