"""The register of living processes, in a slot of its own."""

from __future__ import annotations

from typing import Final

import msgspec

from ...model.worker import WorkerInfo, WorkerOrders
from .verbs import Verbs

STALE_AFTER_MS: Final = 3_600_000
_STRUCK_AT_ONCE: Final = 100
_pack = msgspec.msgpack.Encoder().encode
_read_info = msgspec.msgpack.Decoder(WorkerInfo).decode
_read_orders = msgspec.msgpack.Decoder(WorkerOrders).decode


class Register(Verbs):
    """See contract.Workers."""

    def beat(self, worker: WorkerInfo) -> WorkerOrders:
        orders = self._run("beat", "", worker.id, _pack(worker))
        return WorkerOrders() if orders is None else _read_orders(orders)

    def forget(self, worker: str) -> None:
        self._strike([worker])

    def workers(self) -> list[WorkerInfo]:
        flat = self._run("roll", "", STALE_AFTER_MS)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        fresh = [msgspec.structs.replace(_read_info(info), beat_ms=int(beat)) for beat, info in pairs]
        return sorted(fresh, key=lambda info: (info.started_ms, info.id))

    def order(self, worker: str, orders: WorkerOrders) -> bool:
        return bool(self._run("order", "", worker, _pack(orders)))

    def now_ms(self) -> int:
        if self._clock is not None:
            return self._clock.now_ms()
        seconds, microseconds = self._link.command("TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    def _strike_stale(self) -> None:
        beats, until = self._keys.of_store("beats"), f"({self.now_ms() - STALE_AFTER_MS}"
        stale = self._link.command("ZRANGEBYSCORE", beats, "-inf", until, "LIMIT", 0, _STRUCK_AT_ONCE)
        if stale:
            self._strike([worker.decode() for worker in stale])

    def _strike(self, workers: list[str]) -> None:
        replies = [self._keys.of_queue(queue, "replies") for queue in self._queue_names()]
        self._link.commands(
            [
                ("ZREM", self._keys.of_store("beats"), *workers),
                ("HDEL", self._keys.of_store("workers"), *workers),
                ("HDEL", self._keys.of_store("orders"), *workers),
                *(("HDEL", key, *workers) for key in replies),
            ]
        )
