"""Every exception of the engine, in one tree; each message says what happened and what to do next.

JobsError
├── ConfigError                 a setting is wrong; the process must not start
├── InvalidInput                something that came in cannot be stored (path, reason, limit)
│   ├── UnknownTask             no task of that name is registered here
│   ├── InvalidArguments        the arguments do not fit the task's signature
│   └── PayloadTooLarge         more bytes than the limit
├── JobNotFound                 no live or retained job has this id
├── Conflict                    the job is in a state that the verb does not apply to
├── LeaseLost                   another worker holds, or may hold, the job now
├── ResultUnavailable           the job ended without a result, or has not ended yet
├── StoreError
│   ├── StoreUnavailable        the store cannot be reached; the call may be sent again
│   ├── StoreFull               the store refuses new jobs (memory or disk)
│   └── StoreFormatError        the store was written by a newer version
└── HandlerSignal               what a handler raises on purpose
    ├── TemporaryError          failed for now: retried, after `retry_after` if given
    ├── PermanentError          failed for good: dead at once
    ├── Snooze                  not now: run again after `delay`, no attempt used
    └── Cancelled               stop: the job ends cancelled
"""

from __future__ import annotations

from datetime import timedelta


class JobsError(Exception):
    """Base of everything the engine raises on purpose."""


class ConfigError(JobsError):
    """A setting is wrong; the message names it and the values it may have."""


class InvalidInput(JobsError, ValueError):
    """Something that came in cannot be stored.

    `path` names the field in JSON-path form (`$.arguments.to`), `limit` the bound that was passed, if any.
    """

    def __init__(self, reason: str, *, path: str = "$", limit: int | None = None) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.limit = limit


class UnknownTask(InvalidInput):
    """No task of that name is registered in this process."""


class InvalidArguments(InvalidInput):
    """The arguments do not fit the task's signature."""


class PayloadTooLarge(InvalidInput):
    """More bytes than `limit`."""


class JobNotFound(JobsError, LookupError):
    """No live or retained job has this id."""


class Conflict(JobsError):
    """The job is in a state that the verb does not apply to; look at it again before acting."""


class LeaseLost(JobsError):
    """The lease of this attempt is gone: what it does from now on may be done twice."""


class ResultUnavailable(JobsError):
    """The job ended without a result, or did not end in time."""


class StoreError(JobsError):
    """The store did not do what it was asked."""


class StoreUnavailable(StoreError):
    """The store cannot be reached. Every verb may be sent again: none of them acts twice."""


class StoreFull(StoreError):
    """The store has no room for new jobs; those it holds go on."""


class StoreFormatError(StoreError):
    """The store was written by a newer version of this package; upgrade this process."""


class HandlerSignal(JobsError):
    """Base of what a handler raises to say how its attempt ended."""


class TemporaryError(HandlerSignal):
    """The attempt failed for now. `retry_after` overrides the task's backoff."""

    def __init__(self, message: str = "", *, retry_after: timedelta | float | None = None) -> None:
        super().__init__(message)
        self.retry_after = as_timedelta(retry_after)


class PermanentError(HandlerSignal):
    """Trying again would not help: the job is dead at once."""


class Snooze(HandlerSignal):
    """Not now: the job is scheduled after `delay` and this attempt is not counted."""

    def __init__(self, delay: timedelta | float, message: str = "") -> None:
        super().__init__(message)
        self.delay = as_timedelta(delay) or timedelta(0)


class Cancelled(HandlerSignal):
    """The job stops here and ends cancelled, with the message as its reason."""


def as_timedelta(value: timedelta | float | None) -> timedelta | None:
    """Seconds, or a timedelta, as a timedelta; None stays None."""
    if value is None or isinstance(value, timedelta):
        return value
    return timedelta(seconds=value)
