"""The bare queue in Redis: a sorted set of those that wait, one of those that are held, one of those that are done,
and a hash of bodies. Everything through two scripts, by the driver that our store uses and with its settings.

One turn is one EVALSHA: it takes what was held out of the leases (one ZREM) and puts it with the done (one ZADD), pops
the next off the line (ZPOPMIN), reads their bodies (HMGET) and notes their leases by the server's clock (ZADD). A
settle counts only if all its leases were there: anything else is an error here, where a queue would sort it out.

Left out: tokens, workers, attempts, results, states other than these three, retries, due jobs, priorities beyond the
score, repeated calls, journal, counters, retention. Batches of enqueues go in calls of 200 jobs, several in one trip,
as ours do; an id that is there already is not looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..contender import Turn
from .bodies import bodies

_FOLDER = Path(__file__).parent / "lua"
_KEYS = ("bare:ready", "bare:lease", "bare:done", "bare:job")
_LEASE_MS = 30_000
_A_CALL = 200


class BareRedis:
    """See above."""

    def __init__(self, url: str, *, waiting: int) -> None:
        self._client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), retry_on_error=[], protocol=2)
        self._exchange = ("EVALSHA", self._load("exchange"), len(_KEYS), *_KEYS)
        self._enqueue = ("EVALSHA", self._load("enqueue"), 2, _KEYS[0], _KEYS[3])
        self._held: list[bytes] = []
        for call in self.batches(waiting // 10_000 + 1, 10_000):
            call()

    def turn(self, want: int) -> Turn:
        settled, started = len(self._held), time.perf_counter()
        taken, _bodies = self._client.execute_command(*self._exchange, want, _LEASE_MS, *self._held)
        seconds = time.perf_counter() - started
        if len(taken) < want:
            raise RuntimeError("the bare queue has run empty")
        self._held = taken
        return Turn(settled, seconds)

    def batches(self, number: int, size: int) -> list[Callable[[], object]]:
        return [self._batch(list(bodies(size))) for _ in range(number)]

    def close(self) -> None:
        self._client.close()

    def _batch(self, jobs: list[tuple[bytes, bytes]]) -> Callable[[], object]:
        score = time.time_ns() // 1_000_000
        if len(jobs) == 1:
            return lambda: self._client.execute_command(*self._enqueue, score, *jobs[0])
        parts = [[field for job in jobs[at : at + _A_CALL] for field in job] for at in range(0, len(jobs), _A_CALL)]
        return lambda: self._pipelined(score, parts)

    def _pipelined(self, score: int, parts: Iterable[list[bytes]]) -> object:
        pipeline = self._client.pipeline(transaction=False)
        for part in parts:
            pipeline.execute_command(*self._enqueue, score, *part)
        return pipeline.execute()

    def _load(self, name: str) -> str:
        return str(self._client.script_load((_FOLDER / f"{name}.lua").read_text(encoding="utf-8")))
