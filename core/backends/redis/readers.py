"""What dashboards, commands and recorders read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from ...model.gate import GateInfo
from ...model.ident import JobRef
from ...model.job import StoredJob, ready_ms_of
from ...model.limits import TOLD_TASKS
from ..contract import JournalEntry, Page, PageQuery, QueueCounts
from . import codec
from .keys import STATE_KEYS
from .link import Call
from .page import read_page
from .verbs import Verbs, chunks

_JOBS_AT_ONCE: Final = 50  # whole ones: arguments, result and error of each may be large
_FIELDS_AT_ONCE: Final = 500


class Readers(Verbs):
    """See contract.Readers, but for `now_ms`."""

    _known: tuple[str, ...] = ()  # names of the last look: asked for along with the new names, in one trip

    def counts(self) -> list[QueueCounts]:
        known, now = self._known, self._time()
        calls = [Call("counts", queue, (now, TOLD_TASKS)) for queue in known]
        listed, answers = self._link.run_beside(("SMEMBERS", self._keys.of_store("queues")), calls)
        names = {name.decode() for name in listed}
        found = {queue: answer for queue, answer in zip(known, answers, strict=True) if queue in names}
        new = sorted(names - found.keys())
        calls = [Call("counts", queue, (now, TOLD_TASKS)) for queue in new]
        found |= zip(new, self._link.run_all(calls), strict=True)
        self._known = tuple(sorted(names))
        return [_counts(queue, found[queue]) for queue in self._known]

    def get(self, refs: Sequence[JobRef]) -> list[StoredJob | None]:
        by_queue: dict[str, list[int]] = defaultdict(list)
        for index, ref in enumerate(refs):
            by_queue[ref.queue].append(index)
        parts = [(queue, part) for queue, of in by_queue.items() for part in chunks(of, _JOBS_AT_ONCE)]
        calls = [Call("read", queue, ("", *(refs[index].raw for index in part))) for queue, part in parts]
        found: dict[int, StoredJob | None] = {}
        for (queue, part), answer in zip(parts, self._link.run_all(calls), strict=True):
            for index, entry in zip(part, answer, strict=True):
                found[index] = codec.unpack_job(queue, refs[index].raw, entry)
        return [found[index] for index in range(len(refs))]

    def page(self, query: PageQuery) -> Page:
        return read_page(self._link, query.queues or self._queue_names(), query)

    def ahead(self, ref: JobRef, limit: int) -> int | None:
        rank = self._link.command("ZRANK", self._keys.of_queue(ref.queue, "ready"), ref.raw)
        return None if rank is None else min(limit, rank)

    def gate(self, queue: str, name: str) -> GateInfo | None:
        now, packed = self._run("gate", queue, name)
        return None if packed is None else codec.unpack_gate(name, packed, now)

    def journal(self, queue: str, stream: str, after: str, limit: int) -> list[JournalEntry]:
        key, first = self._keys.of_queue(queue, stream), f"({after}" if after else "-"
        entries = self._link.command("XRANGE", key, first, "+", "COUNT", limit) if limit > 0 else None
        return [JournalEntry(position.decode(), fields[b"l"]) for position, fields in entries or ()]

    def minutes(self, queue: str, since: int) -> dict[int, dict[str, int]]:
        index, sums = self._keys.of_queue(queue, "minuteindex"), self._keys.of_queue(queue, "minutes")
        fields: list[bytes] = self._link.command("ZRANGEBYSCORE", index, since, "+inf")
        parts = list(chunks(fields, _FIELDS_AT_ONCE))
        kept: dict[int, dict[str, int]] = {}
        for part, values in zip(parts, self._link.commands([("HMGET", sums, *part) for part in parts]), strict=True):
            for field, value in zip(part, values, strict=True):
                minute, _, task = field.decode().partition("|")
                if value is not None:
                    kept.setdefault(int(minute), {}).update(codec.unpack_sums(task, value))
        return kept


def _counts(queue: str, answer: Sequence[Any]) -> QueueCounts:
    sizes, head, processed, failures, last, paused, paused_ms, at_failures, at_completed, awaited = answer
    return QueueCounts(
        queue=queue,
        states=dict(zip(STATE_KEYS, sizes, strict=True)),
        processed=int(processed),
        failures=int(failures),
        last_processed_ms=int(last),
        oldest_pending_ms=ready_ms_of(int(head)) if head else 0,
        is_paused=paused is not None,
        paused_reason="" if paused is None else paused.decode(),
        paused_ms=int(paused_ms),
        awaited=[task.decode() for task in awaited],
        journal_failures=at_failures.decode(),
        journal_completed=at_completed.decode(),
    )
