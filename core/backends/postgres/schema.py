"""Bringing a database to the schema of this version, and refusing one that is newer."""

from __future__ import annotations

import uuid
from typing import Final

from ...errors import StoreFormatError
from ...model.clock import Clock
from ..contract import FORMAT
from .partitions import DAY_MS, make_day
from .pool import Connection
from .statements import Statements
from .transaction import Transaction

_LOCK: Final = 0x4A4F4253  # "JOBS"


def prepare_schema(db: Connection, sql: Statements, clock: Clock | None, url: str) -> str:
    """Create or upgrade the schema in one transaction; answers the store's id."""
    newest = sql.migrations()[-1].number
    found = _found(Transaction(db, sql, clock), url)
    if found is None or found[1] < newest:
        with db.transaction():
            tx = Transaction(db, sql, clock)
            tx.run("lock", kind=_LOCK, schema=sql.schema)
            found = _upgrade(tx, url)
    return found[0]


def _upgrade(tx: Transaction, url: str) -> tuple[str, int]:
    """Run what has not been run; another process may have done it while this one waited."""
    found = _found(tx, url)
    current = found[1] if found else 0
    if not tx.one("store_is_there", schema=tx.sql.schema)[0]:
        tx.db.execute(f"CREATE SCHEMA {tx.sql.schema}")
    steps = tx.sql.migrations()
    for step in steps:
        if step.number > current:
            tx.db.execute(step.text)
    if found is None:
        tx.run("store_add", id=uuid.uuid4().hex, format=FORMAT, now=tx.now_ms)
        for day in (0, 1):
            make_day(tx.db, tx.sql, tx.now_ms + day * DAY_MS)
    tx.run("store_upgrade", migration=steps[-1].number)
    upgraded = _found(tx, url)
    assert upgraded is not None, "a store that was just made is there"
    return upgraded


def _found(tx: Transaction, url: str) -> tuple[str, int] | None:
    """The store's id and the number of its newest migration; None where there is no store yet."""
    if not tx.one("store_is_there", schema=tx.sql.schema)[1]:
        return None
    id, format, migration = tx.one("store_find")
    if format > FORMAT:
        raise StoreFormatError(f"{url} holds format {format} and this version knows {FORMAT}: upgrade this process")
    return id, migration
