"""Notes of running handlers on their way to the store: gathered by attempt, sent in batches by the store thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final

import structlog

from ..backends.contract import Backend, Note
from ..model.clock import from_ms
from ..model.job import Claim
from ..model.states import State
from ..tasks.notebook import Notebook, Page
from .attempt import Attempt, Finished
from .patience import insist

FLUSH_S: Final = 1.0  # a job's notes reach the store this often at most, and once more at its end
BATCH_BYTES: Final = 1 << 20

log = structlog.get_logger("jobs.worker")


class Notes:
    """Told of by any thread (`announce`); the rest is for the store thread.

    on_lost: called with an attempt whose note the store refused, because its claim is another's.
    """

    def __init__(self, backend: Backend, *, give_up: threading.Event, on_lost: Callable[[Attempt], None]) -> None:
        self._backend = backend
        self._give_up = give_up
        self._on_lost = on_lost
        self._fresh: dict[Attempt, None] = {}  # those with something new to tell

    def announce(self, attempt: Attempt) -> None:
        """An attempt has something new to tell."""
        self._fresh[attempt] = None

    def flush(self, now: float) -> None:
        """Send what has waited long enough."""
        if self._fresh:
            due = [attempt for attempt in list(self._fresh) if now - attempt.noted >= FLUSH_S]
            for attempt in due:
                attempt.noted = now
            self._send([(attempt, page) for attempt in due if (page := self._taken(attempt)) is not None])

    def flush_ended(self, ended: Iterable[Finished]) -> None:
        """Send what these have not told yet, before they are settled."""
        if self._fresh:
            pages = [(one.attempt, page) for one in ended if (page := self._last_page(one)) is not None]
            self._send(pages)

    def _last_page(self, finished: Finished) -> Page | None:
        page = self._taken(finished.attempt)
        if page is None or finished.outcome is None:
            return None
        if finished.outcome.state is not State.COMPLETED:
            return page
        return None if page.log is None else Page(log=page.log)  # the store drops the rest with the settle

    def _taken(self, attempt: Attempt) -> Page | None:
        if attempt not in self._fresh:
            return None
        del self._fresh[attempt]  # before it is read: what is added from here on announces itself again
        return None if attempt.notebook is None else attempt.notebook.take()

    def _send(self, pages: Sequence[tuple[Attempt, Page]]) -> None:
        def queue_of(item: tuple[Attempt, Page]) -> str:
            return item[0].claim.queue

        for queue, of_queue in groupby(sorted(pages, key=queue_of), key=queue_of):
            for batch in _batches(list(of_queue)):
                self._send_batch(queue, batch)

    def _send_batch(self, queue: str, batch: Sequence[tuple[Attempt, Page]]) -> None:
        notes = [note_of(attempt.claim, page) for attempt, page in batch]
        try:
            refused = insist(partial(self._backend.note, queue, notes), what="note", give_up=self._give_up)
        except Exception:  # notes must not keep anything from being settled
            log.exception("the store refused notes, they are lost", queue=queue, jobs=len(notes))
            return
        for attempt, _ in batch:
            if refused and attempt.claim.raw in refused:
                self._on_lost(attempt)


def note_of(claim: Claim, page: Page) -> Note:
    return Note(claim.raw, claim.token, progress=page.progress, checkpoint=page.checkpoint, log=page.log)


def notebook_of(attempt: Attempt, announce: Callable[[Attempt], None]) -> Notebook:
    """A new notebook for an attempt. announce: called when there is something new in it."""
    attempt.notebook = Notebook(partial(announce, attempt), heading=f"attempt {attempt.claim.attempts}")
    return attempt.notebook


def store_time(attempt: Attempt) -> datetime:
    """Now, by the store's time as it goes on from the start of an attempt."""
    return from_ms(attempt.started_ms + int((time.monotonic() - attempt.started) * 1000))


def _batches(pages: Sequence[tuple[Attempt, Page]]) -> Iterable[list[tuple[Attempt, Page]]]:
    """Parts that a store takes at once."""
    batch: list[tuple[Attempt, Page]] = []
    size = 0
    for attempt, page in pages:
        weight = sum(len(part) for part in page if part)
        if batch and size + weight > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append((attempt, page))
        size += weight
    if batch:
        yield batch
