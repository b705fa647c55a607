"""The register of living processes, and the orders that wait for them."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ...model.worker import WorkerInfo, WorkerOrders
from .transaction import Transaction

_HOUR_MS = 3_600_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WorkerInfo).decode


def beat(tx: Transaction, worker: WorkerInfo) -> WorkerOrders:
    info = _encode(replace(worker, beat_ms=tx.now_ms))
    quiet, stop = tx.one("worker_beat", id=worker.id, info=info, started_ms=worker.started_ms, now=tx.now_ms)
    return WorkerOrders(quiet=quiet, stop=stop)


def order(tx: Transaction, worker: str, orders: WorkerOrders) -> bool:
    return tx.run("worker_order", worker=worker, quiet=orders.quiet, stop=orders.stop).rowcount > 0


def forget(tx: Transaction, worker: str) -> None:
    tx.run("worker_forget", worker=worker)
    tx.run("reply_forget", worker=worker)


def workers(tx: Transaction) -> list[WorkerInfo]:
    return [_decode(info) for (info,) in tx.all("worker_list", since=tx.now_ms - _HOUR_MS)]
