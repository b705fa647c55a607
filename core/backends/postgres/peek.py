"""The number of a database's schema, read without changing it."""

from __future__ import annotations

import psycopg

from .address import read
from .backend import DEFAULT_POOL_SIZE, DEFAULT_SCHEMA
from .faults import told
from .pool import SETTINGS
from .statements import statements_of


def schema_at(url: str) -> tuple[int, int]:
    """The schema that is there (0: none yet) and the newest that is known. Raises StoreUnavailable."""
    address = read(url, schema=DEFAULT_SCHEMA, pool_size=DEFAULT_POOL_SIZE)
    sql = statements_of(address.schema)
    newest = sql.migrations()[-1].number
    try:
        with psycopg.connect(address.conninfo, **SETTINGS) as db:
            row = db.execute(sql["store_is_there"], {"schema": sql.schema}).fetchone()
            found = db.execute(sql["store_find"]).fetchone() if row is not None and row[1] else None
    except psycopg.Error as error:
        raise told(error, address.url) from error
    return (0 if found is None else int(found[2])), newest
