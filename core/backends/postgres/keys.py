"""Unique keys that are held for a time, beside those that a live job holds by its row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.job import NewJob, Unique
from .transaction import Transaction


def give(tx: Transaction, queue: int, jobs: Sequence[NewJob]) -> set[bytes]:
    """To jobs that were just stored; the raw ids of those taken back, since somebody has their key for a time.

    Asked after the insert: who would take the same key at the same time waited there.
    """
    keyed = [job for job in jobs if job.unique_key]
    if not keyed:
        return set()
    back = {raw for (raw,) in tx.all("key_check", queue=queue, raw=[job.raw for job in keyed], now=tx.now_ms)}
    timed = [job for job in keyed if job.unique is Unique.FOR_A_TIME and job.raw not in back]
    take(tx, queue, [(job.unique_key, job.raw, tx.now_ms + job.unique_ms) for job in timed])
    return back


def take(tx: Transaction, queue: int, holders: Sequence[tuple[str, bytes, int]]) -> None:
    """Note who has a key (each once) and until when."""
    if holders:
        keys, raws, ends = zip(*holders, strict=True)
        columns = {"unique_key": list(keys), "raw": list(raws), "until_ms": list(ends)}
        tx.run("key_take", queue=queue, now=tx.now_ms, **columns)


def expire(tx: Transaction, queue: int, keys: Iterable[str]) -> None:
    """Keys whose time is over no longer stand in the way, though their jobs may still be there."""
    asked = sorted(set(keys) - {""})
    if asked:
        tx.run("key_expire", queue=queue, unique_key=asked, now=tx.now_ms)
