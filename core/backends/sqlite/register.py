"""The register of living processes, and the orders that wait for them."""

from __future__ import annotations

import sqlite3

import msgspec
from msgspec.structs import replace

from ...model.worker import WorkerInfo, WorkerOrders
from .statements import SQL
from .transaction import Transaction

_HOUR_MS = 3_600_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WorkerInfo).decode


def beat(tx: Transaction, worker: WorkerInfo) -> WorkerOrders:
    info = _encode(replace(worker, beat_ms=tx.now_ms))
    columns = (worker.id, info, worker.started_ms, tx.now_ms)
    quiet, stop = tx.db.execute(SQL["worker_beat"], columns).fetchall()[0]
    return WorkerOrders(quiet=bool(quiet), stop=bool(stop))


def order(tx: Transaction, worker: str, orders: WorkerOrders) -> bool:
    return tx.db.execute(SQL["worker_order"], (orders.quiet, orders.stop, worker)).rowcount > 0


def forget(tx: Transaction, worker: str) -> None:
    tx.db.execute(SQL["worker_forget"], (worker,))
    tx.db.execute(SQL["reply_forget"], (worker,))


def workers(db: sqlite3.Connection, now_ms: int) -> list[WorkerInfo]:
    return [_decode(info) for (info,) in db.execute(SQL["worker_list"], (now_ms - _HOUR_MS,))]
