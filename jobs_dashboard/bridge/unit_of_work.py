"""Enqueueing inside a transaction: the job is stored when the transaction commits, and never if it rolls back."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


class OnCommit:
    """Waits for the transaction around the caller: the default database's, else another open one's."""

    def defer(self, send: Callable[[], object]) -> bool:
        connection = _in_transaction()
        if connection is None:
            return False
        connection.on_commit(send)
        return True


def _in_transaction() -> BaseDatabaseWrapper | None:
    opened = sorted(connections.all(initialized_only=True), key=lambda each: each.alias != DEFAULT_DB_ALIAS)
    return next((connection for connection in opened if connection.in_atomic_block), None)
