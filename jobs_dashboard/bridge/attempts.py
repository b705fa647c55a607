"""What Django wraps around a handler, as it does around a request: connections, time zone, language, log context."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.db import connections
from django.utils import timezone, translation
from structlog.contextvars import bound_contextvars

from core.model.job import Claim


@contextmanager
def around_attempt(claim: Claim) -> Iterator[None]:
    """Connections that went stale are closed before, what the handler left behind is closed after."""
    callers = _close_stale(dropping=False)
    try:
        with (
            bound_contextvars(job=str(claim.ref), task=claim.task, attempt=claim.attempts),
            timezone.override(None),
            translation.override(settings.LANGUAGE_CODE),
        ):
            yield
    finally:
        _close_stale(dropping=True, spared=callers)


def close_connections() -> None:
    """Before a fork: a child must not share its parent's connections."""
    connections.close_all()


def _close_stale(*, dropping: bool, spared: Collection[str] = ()) -> set[str]:
    """On the event loop, in the one thread where the asynchronous ORM works; else here.

    Answers the aliases of the transactions that are open here now.
    """
    if _is_on_event_loop():
        SyncToAsync.single_thread_executor.submit(_close_stale_here, dropping=dropping, spared=spared)
        return set()
    return _close_stale_here(dropping=dropping, spared=spared)


def _close_stale_here(*, dropping: bool, spared: Collection[str]) -> set[str]:
    """As Django's close_old_connections(). dropping: also connections inside a transaction, but for the spared ones:
    a handler that was stopped in the wrong moment left them so, and they would be of no use to the next one."""
    in_transaction = set()
    for connection in list(connections.all(initialized_only=True)):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        elif dropping and connection.alias not in spared:
            connection.close()
            del connections[connection.alias]
        else:
            in_transaction.add(connection.alias)
    return in_transaction


def _is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
