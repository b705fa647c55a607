"""The day partitions of finished jobs: made ahead of need, dropped when nothing is left of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg import errors

from .pool import Connection
from .statements import Statements

DAY_MS: Final = 86_400_000
_PREFIX: Final = "finished_"
_PATIENCE_MS: Final = 200  # for the lock of a drop: whoever comes after it waits too


def make_day(db: Connection, sql: Statements, at_ms: int) -> None:
    """Make the partition of the day of a time; one that is there stays as it is."""
    first_ms = at_ms // DAY_MS * DAY_MS
    statement = sql.filled("partition_add", suffix=_suffix(first_ms), first_ms=first_ms, next_ms=first_ms + DAY_MS)
    try:
        with db.transaction():
            db.execute(statement)
    except (errors.DuplicateTable, errors.UniqueViolation):
        return  # another process was first


def make_days(db: Connection, sql: Statements, times_ms: Iterable[int]) -> None:
    """Make the partitions that some times lack."""
    there = {name for (name,) in db.execute(sql["partition_list"]).fetchall()}
    for first_ms in sorted({at_ms // DAY_MS * DAY_MS for at_ms in times_ms}):
        if f"{_PREFIX}{_suffix(first_ms)}" not in there:
            make_day(db, sql, first_ms)


def drop_emptied(db: Connection, sql: Statements, now_ms: int) -> int:
    """Drop days before yesterday of which nothing is left; answers how many."""
    dropped = 0
    for (name,) in db.execute(sql["partition_list"]).fetchall():
        suffix = name.removeprefix(_PREFIX)
        if _day_ms(suffix) + 2 * DAY_MS <= now_ms and _is_empty(db, sql, suffix):
            dropped += _drop(db, sql, suffix)
    return dropped


def _drop(db: Connection, sql: Statements, suffix: str) -> bool:
    """Nobody finishes a job on a day that is over, so what was empty stays so until it is dropped."""
    try:
        with db.transaction():
            db.execute(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")
            db.execute(sql.filled("partition_drop", suffix=suffix))
    except errors.LockNotAvailable:
        return False  # the next pass will try again
    return True


def _is_empty(db: Connection, sql: Statements, suffix: str) -> bool:
    row = db.execute(sql.filled("partition_is_empty", suffix=suffix)).fetchone()
    return row is not None and bool(row[0])


def _suffix(first_ms: int) -> str:
    return (datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=first_ms)).strftime("%Y%m%d")


def _day_ms(suffix: str) -> int:
    day = datetime.strptime(suffix, "%Y%m%d").replace(tzinfo=UTC)
    return int(day.timestamp() * 1000)
