"""How jobs come in: batches by queue, in calls of a bounded size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ...model.ident import JobRef
from ...model.job import NewJob, Receipt
from . import codec
from .link import Call
from .verbs import BATCH, Verbs, chunks

_CALL_BYTES: Final = 4 << 20
CALLS_A_TRIP: Final = 50


class Intake(Verbs):
    """See contract.Intake. A batch of one queue is all or none up to BATCH jobs; a larger one may be sent again."""

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        if len(jobs) == 1:
            return self._enqueue_one(jobs[0])
        by_queue: dict[str, list[int]] = defaultdict(list)
        for index, job in enumerate(jobs):
            by_queue[job.queue].append(index)
        receipts: dict[int, Receipt] = {}
        parts = [part for of in by_queue.values() for part in parts_of(of, [codec.pack_item(jobs[i]) for i in of])]
        for trip in chunks(parts, CALLS_A_TRIP):
            queues = dict.fromkeys(jobs[indexes[0]].queue for indexes, _ in trip)
            now = self._time()
            calls = [Call("enqueue", jobs[indexes[0]].queue, (now, *items)) for indexes, items in trip]
            answers = self._link.run_all(calls, first=self._listing(queues))
            for queue in queues:
                self._note_listed(queue)
            for (indexes, _), answer in zip(trip, answers, strict=True):
                for index, word in zip(indexes, answer, strict=True):
                    receipts[index] = _receipt(jobs[index], word)
        return [receipts[index] for index in range(len(jobs))]

    def relay(self, queue: str, limit: int) -> int:
        outbox = self._keys.of_queue(queue, "outbox")
        moved, cursor = 0, 0
        while moved < limit:
            cursor, found = self._link.command("HSCAN", outbox, cursor, "COUNT", min(BATCH, limit - moved))
            entries = list(found.items())[: limit - moved]
            if entries:
                self.enqueue([codec.unpack_from_elsewhere(value) for _, value in entries])
                self._link.command("HDEL", outbox, *(field for field, _ in entries))
                moved += len(entries)
            if not int(cursor):
                break
        return moved

    def _enqueue_one(self, job: NewJob) -> list[Receipt]:
        queue, item = job.queue, codec.pack_item(job)
        if self._is_listed(queue):
            [word] = self._run("enqueue", queue, item)
        else:
            calls = [Call("enqueue", queue, (self._time(), item))]
            [[word]] = self._link.run_all(calls, first=self._listing([queue]))
            self._note_listed(queue)
        return [_receipt(job, word)]

    def _listing(self, queues: Iterable[str]) -> list[tuple[Any, ...]]:
        """A plain command, because it is refused along with the jobs when memory is full."""
        new = [queue for queue in queues if not self._is_listed(queue)]
        return [("SADD", self._keys.of_store("queues"), *new)] if new else []


def parts_of(indexes: Sequence[int], items: Sequence[bytes]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Items of one queue in calls of bounded number and size, each with its place in the batch."""
    taken: tuple[list[int], list[bytes]] = ([], [])
    size = 0
    for index, item in zip(indexes, items, strict=True):
        if taken[0] and (len(taken[0]) == BATCH or size + len(item) > _CALL_BYTES):
            yield taken
            taken, size = ([], []), 0
        taken[0].append(index)
        taken[1].append(item)
        size += len(item)
    yield taken


def _receipt(job: NewJob, word: bytes) -> Receipt:
    if len(word) > 1:
        return Receipt(JobRef(job.queue, word), created=False)
    return Receipt(job.ref, created=word == b"1")
