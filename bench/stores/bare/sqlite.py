"""The bare queue in SQLite: one table of jobs, one of what they ended in, in a file of its own beside ours.

One turn is one `BEGIN IMMEDIATE` transaction with as many row changes a job as ours: each job that was held is updated
(done) and its result inserted, each that is claimed is updated (held), and one row of counters is updated. Settings are
ours: WAL, the same `synchronous`, a checkpoint once the log has grown to 16 MB. An enqueue is one such transaction
that inserts the jobs; an id that is there already is left alone.

The table holds our jobs, copied, and has indexes of our sort: ids by (queue, id), the line by (queue, state, score,
id). Left out: tokens, attempts, due jobs, repeated calls, journal, sums of the minute, retention, courtesy to other
processes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from ..contender import Turn
from .bodies import bodies

_FOLDER = Path(__file__).parent / "sql"
_RESULT = b"\x81\xa4sent\xc3"
_LEASE_MS = 30_000
_WAL_PAGES = 4096  # of 4 KiB


class BareSqlite:
    """See above. theirs: our file, from which the rows are copied. queue: the name of the one that turns work on."""

    def __init__(self, path: Path, *, theirs: Path, queue: str, synchronous: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._held: list[int] = []
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -16384")
        self._db.execute("ATTACH ? AS theirs", (str(theirs),))
        self._db.executescript(_read("sqlite_tables"))
        (self._queue,) = self._db.execute("SELECT id FROM theirs.queue WHERE name = ?", (queue,)).fetchone()
        self._db.execute("DETACH theirs")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        self._db.execute(f"PRAGMA synchronous = {synchronous}")
        self._claimable, self._claim = _read("sqlite_claimable"), _read("sqlite_claim")
        self._settle, self._end = _read("sqlite_settle"), _read("sqlite_end")
        self._enqueue, self._count = _read("sqlite_enqueue"), _read("sqlite_count")

    def turn(self, want: int) -> Turn:
        now, settled, started = _now_ms(), len(self._held), time.perf_counter()
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(self._settle, [(now, id) for id in self._held])
        self._db.executemany(self._end, [(id, _RESULT) for id in self._held])
        rows = self._db.execute(self._claimable, (self._queue, want)).fetchall()
        self._db.executemany(self._claim, [(now + _LEASE_MS, "w" * 32, row[0]) for row in rows])
        self._db.execute(self._count, (settled, self._queue))
        self._db.execute("COMMIT")
        seconds = time.perf_counter() - started
        if len(rows) < want:
            raise RuntimeError("the bare queue has run empty")
        self._held = [row[0] for row in rows]
        return Turn(settled, seconds)

    def batches(self, number: int, size: int) -> list[Callable[[], object]]:
        return [self._batch(list(bodies(size))) for _ in range(number)]

    def close(self) -> None:
        self._db.close()

    def _batch(self, jobs: list[tuple[bytes, bytes]]) -> Callable[[], object]:
        score = 100 * (1 << 44) + _now_ms()
        rows = [(self._queue, raw, score, body) for raw, body in jobs]
        return lambda: self._insert(rows)

    def _insert(self, rows: list[tuple[int, bytes, int, bytes]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(self._enqueue, rows)
        self._db.execute("COMMIT")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _read(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
