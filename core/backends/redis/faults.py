"""What the driver's errors mean to callers of a store."""

from __future__ import annotations

import re

from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as LinkDown
from redis.exceptions import TimeoutError as AnswerMissing

from ...errors import ConfigError, JobsError, StoreError, StoreFull, StoreUnavailable
from .copies import TooFewCopiesError

# The driver takes the codes it knows off the text; inside a script, and for codes it does not know, they stay.
_PASSING = (LinkDown, AnswerMissing, ReadOnlyError, MasterDownError)
_PASSES = re.compile(r"\b(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF|BUSY|UNBLOCKED)\b")
_FULL = re.compile(r"\bOOM\b|when used memory > 'maxmemory'")
_HAS_NO_SLOTS = re.compile(r"cluster support disabled")
_HAS_NO_DATABASES = re.compile(r"SELECT is not allowed in cluster mode")
_READ_ONLY = re.compile(r"\bREADONLY\b")


def store_error(error: RedisError, url: str) -> JobsError:
    """The error of a store, or of its URL, with what to do next."""
    text = str(error)
    if isinstance(error, OutOfMemoryError) or _FULL.search(text):
        return StoreFull(
            f"Redis at {url} is out of memory and takes no new jobs; those it holds go on. "
            f"Raise maxmemory, or purge finished jobs ({text})"
        )
    if isinstance(error, AskError):  # MovedError too
        return StoreError(
            f"Redis at {url} is one of several servers of a cluster, each with a part of the queues: "
            "give their addresses as redis+cluster://host:port,host:port"
        )
    if isinstance(error, TooFewCopiesError):
        return StoreUnavailable(f"Redis at {url} did it, but {text}: sent again it acts once")
    if isinstance(error, ClusterDownError | TryAgainError):
        return StoreUnavailable(
            f"the Redis cluster at {url} moves the slot of this queue, or has no server for it now: {text}"
        )
    if _HAS_NO_SLOTS.search(text):
        return ConfigError(f"Redis at {url} is no server of a cluster: give redis://host:port/0")
    if _HAS_NO_DATABASES.search(text):
        return ConfigError(
            f"Redis at {url} is a server of a cluster, which has no database but 0: "
            "leave the number away, and tell several stores in it apart by ?prefix=name"
        )
    if isinstance(error, AuthenticationError):
        return StoreUnavailable(f"Redis at {url} refused the login, correct the user and password: {text}")
    if isinstance(error, _PASSING) or (isinstance(error, ResponseError) and _PASSES.search(text)):
        return StoreUnavailable(f"Redis at {url} cannot be reached, or takes no writes now: {text}")
    return StoreError(f"Redis at {url} refused a command: {text}")


def is_read_only(error: RedisError) -> bool:
    """Whether the server has become a replica: the one that took over is found by connecting anew."""
    return isinstance(error, ReadOnlyError) or bool(_READ_ONLY.search(str(error)))


def is_out_of_reach(answer: object) -> bool:
    return isinstance(answer, LinkDown | AnswerMissing)
