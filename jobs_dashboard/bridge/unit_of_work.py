"""Enqueueing inside a transaction of Django's: the job comes with its commit, and never if it rolls back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, cast

import structlog
from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.backends.contract import Backend, Joining
from core.client import Client, Taken
from core.errors import StoreError, StoreUnavailable
from core.model.job import NewJob

from .outbox import Outbox

log = structlog.get_logger("jobs.transactions")


class Transactions:
    """The transaction around a caller: the default database's, else another open one's, by name.

    joins: the store may lie in the same database; then the job is written on Django's own connection. Otherwise it
    is kept in the outbox, if there is one, and in any case stored when the transaction has committed.
    """

    def __init__(self, *, joins: bool = False, outbox: Outbox | None = None) -> None:
        self._joins = joins
        self._outbox = outbox
        self._told: set[str] = set()
        self._take_there = sync_to_async(self.take, thread_sensitive=True)  # once: making it costs as much as the call

    def take(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        open_ones = _open_ones()
        if not open_ones:
            return None
        connection = open_ones[0]
        if self._joins and self._can_join(connection, client.backend):
            return self._join(connection, jobs, client.backend)
        if self._outbox is not None:
            self._outbox.keep(connection, jobs, client.backend)
        else:
            connection.on_commit(partial(client.send, jobs))
        return Taken()

    async def atake(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        """In the thread where asynchronous code has its database: the transaction is that one's, if anybody's."""
        return await self._take_there(jobs, client)

    def _can_join(self, connection: BaseDatabaseWrapper, backend: Backend) -> bool:
        connection.validate_no_broken_transaction()
        try:
            reason = refusal(connection, backend)
        except StoreUnavailable:
            if self._outbox is None:
                raise  # whoever meant the job to be one with the rows is told before they are committed
            return False
        if reason and connection.vendor == "postgresql" and connection.alias not in self._told:
            self._told.add(connection.alias)
            log.info("jobs wait for the commit, they cannot be part of it", database=connection.alias, because=reason)
        return not reason

    def _join(self, connection: BaseDatabaseWrapper, jobs: Sequence[NewJob], backend: Backend) -> Taken:
        receipts = cast(Joining, backend).enqueue_within(connection.connection, jobs)
        connection.on_commit(partial(_ring, backend, sorted({job.queue for job in jobs})), robust=True)
        return Taken(receipts)


class NoTransactions:
    """JOBS_ON_COMMIT=false: what is enqueued is sent at once, whatever becomes of the transaction around it."""

    def take(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        return None

    async def atake(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        return None


def refusal(connection: BaseDatabaseWrapper, backend: Backend) -> str:
    """Why jobs cannot be part of this connection's transactions; "" when they can. Raises StoreUnavailable."""
    if connection.vendor != "postgresql":
        return f"the database {connection.alias} is {connection.display_name}, and the store PostgreSQL"
    return cast(Joining, backend).refusal(connection.connection)


def _open_ones() -> list[BaseDatabaseWrapper]:
    opened: Iterable[Any] = connections.all(initialized_only=True)
    found = [connection for connection in opened if connection.in_atomic_block]
    return sorted(found, key=lambda each: (each.alias != DEFAULT_DB_ALIAS, each.alias))


def _ring(backend: Backend, queues: Sequence[str]) -> None:
    """Only to be quick: workers look by themselves within a second."""
    try:
        cast(Joining, backend).ring(queues)
    except StoreError as error:
        log.debug("workers were not told of a commit", error=str(error))
