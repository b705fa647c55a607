"""One trip to the server for several statements that need none of each other's answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.errors import PipelineAborted

from .pool import Connection

_rollbacks = itertools.count()


@contextmanager
def one_trip(db: Connection) -> Iterator[None]:
    """What is executed within is sent without waiting; its answers are there afterwards. The server skips what comes
    after a statement that fails, and that statement's error is the one that is raised."""
    try:
        with db.pipeline():
            yield
    except PipelineAborted as skipped:
        raise _reason(skipped) from None


def roll_back(db: Connection) -> None:
    """The driver takes for prepared what it sent to be prepared in a trip that failed before that. It forgets this with
    a ROLLBACK, but only with one whose text it has not met."""
    db.execute(f"ROLLBACK -- {next(_rollbacks)}")


def _reason(skipped: PipelineAborted) -> psycopg.Error:
    """The driver raises what it met last: that a later statement was skipped, in the place of why."""
    error: BaseException | None = skipped
    while error is not None:
        if isinstance(error, psycopg.Error) and not isinstance(error, PipelineAborted):
            return error
        error = error.__context__
    return skipped
