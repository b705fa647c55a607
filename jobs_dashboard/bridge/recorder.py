"""The recorder: reads the store's journal and writes its attempts into rows, each once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog
from django.db import transaction
from django.utils import timezone

from core.backends.contract import Backend, JournalEntry, PageQuery, QueueCounts
from core.model.outcome import AttemptLine
from core.model.states import State
from jobs_dashboard.models import JobRecord, RecorderCursor

from .history import record_of_job, record_of_line, write_attempts, write_if_newer

STREAMS: Final = ("completed", "failures")  # always in this order, so that two recorders lock their cursors in one
ENTRIES_AT_ONCE: Final = 40  # of up to about a hundred attempts
_PAGE: Final = 200

_lines = msgspec.msgpack.Decoder(list[AttemptLine])
log = structlog.get_logger("jobs.recorder")


@dataclass(frozen=True)
class Chunk:
    """What was read of one stream behind its cursor. has_gap: entries were trimmed before anybody read them."""

    cursor: RecorderCursor
    entries: Sequence[JournalEntry]
    has_gap: bool


@dataclass
class Recorder:
    """Any number may run: whoever moves a queue's cursors first has written its rows, the others start over."""

    backend: Backend
    entries_at_once: int = ENTRIES_AT_ONCE
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def turn(self) -> int:
        """One look at every queue; answers how many attempts were written."""
        return sum(self._record(counts) for counts in self.backend.counts() if self._has_news(counts))

    def _has_news(self, counts: QueueCounts) -> bool:
        """By the newest positions, which counts() tells anyway: a quiet queue costs no query."""
        return any(self._seen.get((counts.queue, stream)) != newest for stream, newest in _newest(counts))

    def _record(self, counts: QueueCounts) -> int:
        chunks = [self._read(counts.queue, stream) for stream in STREAMS]
        for chunk in chunks:
            if chunk.has_gap:
                self._mend(chunk.cursor)
        written = self._write(counts.queue, chunks)
        if written is None:
            return 0  # another recorder was faster; what it left is read with the next turn
        newest = dict(_newest(counts))
        for chunk in chunks:
            stream = chunk.cursor.stream
            self._seen[counts.queue, stream] = chunk.entries[-1].position if chunk.entries else newest[stream]
        return written

    def _read(self, queue: str, stream: str) -> Chunk:
        """Read from one entry before the cursor's: seeing that one again shows that nothing behind it is missing."""
        cursor, _ = RecorderCursor.objects.get_or_create(store_id=self.backend.store_id, queue=queue, stream=stream)
        if not cursor.position:
            return Chunk(cursor, self.backend.journal(queue, stream, "", self.entries_at_once), has_gap=False)
        entries = self.backend.journal(queue, stream, cursor.behind, self.entries_at_once + 1)
        if entries and entries[0].position == cursor.position:
            return Chunk(cursor, entries[1:], has_gap=False)
        return Chunk(cursor, entries, has_gap=bool(entries))

    def _write(self, queue: str, chunks: Sequence[Chunk]) -> int | None:
        """Rows and cursors in one transaction; None when a cursor had moved meanwhile."""
        read = (line for chunk in chunks for entry in chunk.entries for line in _lines.decode(entry.lines))
        lines = sorted(read, key=lambda line: (line.finished_ms, line.attempt))
        with transaction.atomic():
            if not all(_moved(chunk) for chunk in chunks):
                transaction.set_rollback(True)
                return None
            newest = {line.raw: line for line in lines}
            write_if_newer([record_of_line(queue, line) for line in newest.values()])
            write_attempts(queue, lines)
        return len(lines)

    def _mend(self, cursor: RecorderCursor) -> None:
        """After a gap: what failed is read from the store itself. Completed ones are a sample anyway."""
        log.warning("journal entries were trimmed before they were read", queue=cursor.queue, stream=cursor.stream)
        if cursor.stream == "failures":
            for state in (State.FAILED, State.DEAD):
                for jobs in self._pages(PageQuery(state=state, queues=(cursor.queue,), limit=_PAGE)):
                    with transaction.atomic():
                        write_if_newer(jobs)

    def _pages(self, query: PageQuery) -> Iterator[list[JobRecord]]:
        while True:
            page = self.backend.page(query)
            yield [record_of_job(job) for job in page.jobs]
            if page.next is None:
                return
            query = msgspec.structs.replace(query, after=page.next)


def _moved(chunk: Chunk) -> bool:
    """The compare-and-set; it also locks the cursor against other recorders until the transaction ends."""
    cursor, entries = chunk.cursor, chunk.entries
    if not entries:
        return True
    behind = entries[-2].position if len(entries) > 1 else cursor.position
    news = {"position": entries[-1].position, "behind": behind, "moved_at": timezone.now()}
    if chunk.has_gap:
        news["gap_at"] = timezone.now()
    return RecorderCursor.objects.filter(pk=cursor.pk, position=cursor.position).update(**news) == 1


def _newest(counts: QueueCounts) -> tuple[tuple[str, str], ...]:
    return (("completed", counts.journal_completed), ("failures", counts.journal_failures))
