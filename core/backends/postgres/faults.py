"""What the driver's errors mean to a caller, in a sentence that says what to do next."""

from __future__ import annotations

import psycopg
from psycopg import errors

from ...errors import StoreError, StoreFull, StoreUnavailable
from .patience import NoAnswerError

_FULL = (errors.DiskFull, errors.OutOfMemory)
_LOGIN = (errors.InvalidPassword, errors.InvalidAuthorizationSpecification)
_GONE = (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedColumn, errors.UndefinedObject)
_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)


def told(error: psycopg.Error, url: str) -> StoreError:
    """The same fault as an error of ours; its cause is to be kept with `from`."""
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, _FULL):
        return StoreFull(
            f"PostgreSQL at {url} has no room left: make room on its disk, or purge finished jobs; "
            f"nothing is lost, and all goes on by itself ({text})"
        )
    return StoreUnavailable(f"{_sentence(error, url)} ({text})")


def _sentence(error: psycopg.Error, url: str) -> str:
    if isinstance(error, _LOGIN):
        return f"PostgreSQL at {url} refused the login; correct the user and password"
    if isinstance(error, _GONE):
        return f"the tables of the store at {url} are gone; restore them, or restart this process to begin anew"
    if isinstance(error, errors.InsufficientPrivilege):
        return f"PostgreSQL at {url} does not let this user do that; make it the owner of the store's schema"
    if isinstance(error, errors.TooManyConnections):
        return f"PostgreSQL at {url} takes no more connections; raise max_connections, or lower pool_size"
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return f"PostgreSQL at {url} takes no writes; point the URL to the primary server"
    if isinstance(error, errors.LockNotAvailable):
        return f"an open transaction at {url} holds the same unique key; send it again once that has ended"
    if isinstance(error, errors.QueryCanceled):
        return f"PostgreSQL at {url} was at one statement for too long; see what holds locks there, then send it again"
    if isinstance(error, NoAnswerError):
        return f"PostgreSQL at {url} says nothing; is the server stopped, or its machine hung?"
    if isinstance(error, _AGAIN):
        return f"PostgreSQL at {url} was too busy with the same jobs; send it again"
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return f"PostgreSQL at {url} cannot be reached; is it running, and does this address lead to it?"
    return f"PostgreSQL at {url} refused a statement; report this with the server's log"


def is_worth_another_try(error: psycopg.Error) -> bool:
    """Whether the transaction was ended only for the sake of another, so that the same one may be run again."""
    return isinstance(error, _AGAIN)


def lacks_its_day(error: psycopg.Error) -> bool:
    """Whether a finished job found no partition for its day."""
    return isinstance(error, errors.CheckViolation) and error.diag.table_name == "finished"
