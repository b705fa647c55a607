"""The bare queue in PostgreSQL: a table of those that wait or are held, one of those that are done, on our server.

One turn is one durable transaction (the server's synchronous_commit, which is ours) of two statements: a settle, which
deletes what was held and inserts it with its result into `done`; and a claim, `UPDATE … FOR UPDATE SKIP LOCKED …
RETURNING`. psycopg prepares both after five runs, as it does by default; one connection, no pool. An enqueue is one
INSERT of a whole batch, committed by itself; an id that is there already is left alone.

The tables hold our jobs, copied, and have indexes of our sort: primary keys by (queue, id), the line by (queue, score,
id) where a job waits, the done by (queue, time, id); storage settings as ours. Left out: tokens, attempts, other
states, due jobs, repeated calls, journal, counters, retention, and partitions of what is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from ..contender import Turn
from .bodies import bodies

_FOLDER = Path(__file__).parent / "sql"
_RESULT = b"\x81\xa4sent\xc3"
_LEASE_MS = 30_000


class BarePostgres:
    """See above. queue: the name of the one that turns work on."""

    def __init__(self, url: str, queue: str) -> None:
        self._db = psycopg.connect(url, autocommit=True)
        [self._queue] = self._db.execute("SELECT id FROM jobs.queue WHERE name = %s", (queue,)).fetchone() or (0,)
        self._held: list[bytes] = []
        for statement in _read("postgres_tables").split(";\n\n"):
            self._db.execute(statement)
        self._settle, self._claim = _read("postgres_settle"), _read("postgres_claim")
        self._enqueue = _read("postgres_enqueue")

    def turn(self, want: int) -> Turn:
        settled, started = len(self._held), time.perf_counter()
        self._db.execute("BEGIN")
        if settled:
            values = {"queue": self._queue, "raw": self._held, "now": _now_ms(), "result": [_RESULT] * settled}
            self._take(self._settle, values, settled)
        values = {"queue": self._queue, "want": want, "until": _now_ms() + _LEASE_MS, "worker": "w" * 32}
        rows = self._take(self._claim, values, want)
        self._db.execute("COMMIT")
        seconds = time.perf_counter() - started
        self._held = [row[0] for row in rows]
        return Turn(settled, seconds)

    def batches(self, number: int, size: int) -> list[Callable[[], object]]:
        return [self._batch(list(bodies(size))) for _ in range(number)]

    def close(self) -> None:
        self._db.close()

    def _take(self, statement: str, values: dict[str, Any], expected: int) -> list[tuple[Any, ...]]:
        rows = self._db.execute(statement, values, binary=True).fetchall()
        if len(rows) != expected:
            raise RuntimeError(f"the bare queue answered {len(rows)} jobs instead of {expected}")
        return rows

    def _batch(self, jobs: list[tuple[bytes, bytes]]) -> Callable[[], object]:
        raws, packed = [raw for raw, _ in jobs], [body for _, body in jobs]
        values = {"queue": self._queue, "score": 100 * (1 << 44) + _now_ms(), "raw": raws, "body": packed}
        return lambda: self._db.execute(self._enqueue, values, binary=True)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _read(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").rstrip().removesuffix(";")
