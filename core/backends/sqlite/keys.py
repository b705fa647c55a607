"""Unique keys: who has one, who gets it, and when it is given back."""

from __future__ import annotations

from typing import Final

from ...model.job import NewJob, StoredJob, Unique
from ...model.states import FINAL, State
from .statements import SQL
from .transaction import QueueRow, Transaction

FREED_IN: Final[dict[int, frozenset[State]]] = {
    Unique.UNTIL_FINISHED: FINAL,
    Unique.WHILE_PENDING: FINAL | {State.RUNNING},
    Unique.FOR_A_TIME: frozenset[State](),
}


def until_ms(job: NewJob, now_ms: int) -> int:
    """The end of a key that is held for a time; 0 for the others."""
    return now_ms + job.unique_ms if job.unique is Unique.FOR_A_TIME else 0


def holder(tx: Transaction, queue: QueueRow, key: str) -> bytes | None:
    """The id of the job that has a key now."""
    found: tuple[bytes] | None = tx.db.execute(SQL["key_find"], (queue.id, key, tx.now_ms)).fetchone()
    return found and found[0]


def give(tx: Transaction, queue: QueueRow, job: NewJob) -> None:
    """To a job that comes in."""
    tx.db.execute(SQL["key_give"], (queue.id, job.unique_key, job.raw, until_ms(job, tx.now_ms)))


def give_adopted(tx: Transaction, queue: QueueRow, job: StoredJob) -> None:
    """To a job that had it in another store, unless somebody here has it."""
    if job.holds_its_key(tx.now_ms) and holder(tx, queue, job.unique_key) is None:
        tx.db.execute(SQL["key_give"], (queue.id, job.unique_key, job.ref.raw, job.unique_until_ms))


def give_again(tx: Transaction, queue: QueueRow, key: str, unique: int, raw: bytes) -> bool:
    """To a finished job that is to run once more; False when somebody else has its key meanwhile."""
    if not key or unique == Unique.FOR_A_TIME:
        return True
    found = holder(tx, queue, key)
    if found is None:
        tx.db.execute(SQL["key_give"], (queue.id, key, raw, 0))
    return found is None or found == raw


def take_back(tx: Transaction, queue: QueueRow, key: str, raw: bytes) -> None:
    """A key that is held for a time is not given back, nor one that is another's."""
    if key:
        tx.db.execute(SQL["key_take"], (queue.id, key, raw))
