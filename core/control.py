"""The operator's door: retry, cancel, discard, pause, resume, purge, switch, run now; and what is read for them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from .backends.contract import Acted, Backend, Page, PageQuery, Sweep, Swept
from .errors import JobNotFound
from .explanation import Reason, explain
from .model.ident import RAW_BYTES, JobRef, derived_raw, new_raw
from .model.job import NewJob, StoredJob, pack_options, unpack_options
from .model.partition import Partitions
from .model.payload import check_queue, check_text, pack_arguments
from .model.schedule import ScheduleSpec, StoredSchedule, unpack_spec
from .model.states import EFFECTS, Effect, State, Verb
from .model.worker import WorkerOrders
from .search import Search, search

CHUNK = 200  # jobs in one call of a store: bounded, so that no script or transaction runs long
COPIED_AT_ONCE = 50  # whole jobs are read for it

Progress = Callable[[int], None]
NO_PARTITIONS = Partitions()


def new_operation() -> str:
    """An id for one act of a person or program; a repeat of the act carries it again."""
    return uuid.uuid4().hex


class Control:
    """Acts on jobs, queues, schedules and workers; each act is idempotent by its operation id."""

    def __init__(self, backend: Backend, partitions: Partitions = NO_PARTITIONS) -> None:
        self._backend = backend
        self.partitions = partitions

    # Jobs

    def act(self, verb: Verb, refs: Sequence[JobRef], *, operation: str = "", reason: str = "") -> list[Acted]:
        """Apply a verb to jobs, in the order given; what did not apply says in which state the job was.

        Retrying a completed job makes a new one that names it as its parent: then `Acted.ref` is the new job's.
        """
        operation = operation or new_operation()
        check_text(reason, path="$.reason")
        answers: dict[JobRef, Acted] = {}
        for queue, raws in _by_queue(refs).items():
            for start in range(0, len(raws), CHUNK):
                for acted in self._backend.act(verb, queue, raws[start : start + CHUNK], operation, reason):
                    answers[acted.ref] = acted
        return self._copied(verb, [answers[ref] for ref in refs], operation)

    def act_where(
        self,
        verb: Verb,
        query: PageQuery,
        *,
        most: int,
        operation: str = "",
        reason: str = "",
        progress: Progress | None = None,
    ) -> int:
        """Apply a verb to jobs that a query finds, in chunks, at most `most`; answers how many it applied to.

        Jobs that enter the state later than this call began are not swept up as long as they stand behind the cursor.
        """
        operation = operation or new_operation()
        done = 0
        for page in self.pages(query, most):
            acted = self.act(verb, [job.ref for job in page], operation=operation, reason=reason)
            done += sum(one.applied for one in acted)
            if progress is not None:
                progress(done)
        return done

    def pages(self, query: PageQuery, most: int) -> Iterator[Sequence[StoredJob]]:
        """What `act_where` acts on, chunk by chunk."""
        left = most
        while left > 0:
            page: Page = self._backend.page(replace(query, limit=min(CHUNK, left)))
            if page.jobs:
                left -= len(page.jobs)
                yield page.jobs
            if page.next is None:
                return
            query = replace(query, after=page.next)

    def sweep(
        self,
        verb: Verb,
        state: State,
        *,
        queues: Sequence[str] = (),
        task: str = "",
        before_ms: int = 0,
        operation: str = "",
        reason: str = "",
        progress: Progress | None = None,
    ) -> Swept:
        """Apply a verb to all jobs of a state that entered it before a store time, by default before now.

        It runs in the store, in bounded chunks, queue by queue (none named: all). task: exact, or a prefix that ends in
        `*`. Sent again under the same operation it goes on where it stopped. Completed jobs are retried by `act` only.
        """
        check_text(reason, path="$.reason")
        total = Swept(applied=0, refused=0, scanned=0)
        cut = before_ms or self._backend.now_ms() + 1
        operation = operation or new_operation()
        for queue in self._parts(queues) or [counts.queue for counts in self._backend.counts()]:
            chunk = Sweep(
                queue=queue,
                verb=verb,
                state=state,
                before_ms=cut,
                operation=operation,
                reason=reason,
                task=task,
                limit=CHUNK,
            )
            for swept in self._chunks(chunk):
                total = _sum(total, swept)
                if progress is not None:
                    progress(total.applied)
        return total

    def retry_dead(self, queue: str, *, task: str = "", reason: str = "", progress: Progress | None = None) -> int:
        """Move a queue's dead letters back, each with `max_attempts` more tries; answers how many."""
        return self.sweep(Verb.RETRY, State.DEAD, queues=[queue], task=task, reason=reason, progress=progress).applied

    def search(self, wanted: Search) -> Page:
        """Jobs by what they carry, within a bound; see Search."""
        return search(self._backend, wanted)

    def explain(self, ref: JobRef) -> tuple[Reason, ...]:
        """Why a job is not running, or that it is. Raises JobNotFound."""
        return explain(self._backend, ref)

    def purge(self, queue: str, state: State, *, before_ms: int = 0, progress: Progress | None = None) -> int:
        """Delete the jobs of a state (not running) that entered it before a store time, by default before now."""
        cut = before_ms or self._backend.now_ms() + 1
        gone = 0
        for part in self._parts([queue]):
            chunk = CHUNK
            while chunk == CHUNK:
                chunk = self._backend.purge(part, state, cut, CHUNK)
                gone += chunk
                if progress is not None:
                    progress(gone)
        return gone

    # Queues

    def pause(self, queue: str, *, reason: str = "") -> None:
        """No claims from this queue, with its partitions, until it is resumed; what runs goes on."""
        check_text(reason, path="$.reason")
        for part in self._parts([queue]):
            self._backend.pause(part, reason)

    def resume(self, queue: str) -> None:
        for part in self._parts([queue]):
            self._backend.resume(part)

    # Schedules

    def schedule(self, key: str) -> StoredSchedule:
        """A schedule by its key. Raises JobNotFound."""
        for entry in self._backend.schedules():
            if entry.key == key:
                return entry
        raise JobNotFound(f"no schedule has the key {key[:200]!r}")

    def switch(self, key: str, *, enabled: bool) -> StoredSchedule:
        """Enable or disable a schedule; enabling counts from now, what was missed stays missed."""
        entry = self.schedule(key)
        switched = self._backend.switch_schedule(entry.queue, key, enabled=enabled)
        if switched is None:
            raise JobNotFound(f"no schedule has the key {key[:200]!r}")
        return switched

    def remove_schedule(self, key: str) -> bool:
        return self._backend.remove_schedule(self.schedule(key).queue, key)

    def run_now(self, key: str, *, operation: str = "") -> JobRef:
        """One job of a schedule, at once and beside its ticks; answers its id."""
        entry = self.schedule(key)
        raw = new_raw()
        if operation:  # the same operation makes the same job, also when a tick came in between
            raw = derived_raw(bytes(RAW_BYTES), f"{key}:{operation}")
        job = job_of(entry, raw)
        self._backend.enqueue([job])
        return job.ref

    # Workers

    def order(self, worker: str, *, quiet: bool = False, stop: bool = False) -> bool:
        """Tell a worker to claim nothing more, or to stop; it hears with its next beat."""
        return self._backend.order(worker, WorkerOrders(quiet=quiet, stop=stop))

    # Inside

    def _copied(self, verb: Verb, acted: Sequence[Acted], operation: str) -> list[Acted]:
        """The answers, once those jobs that only a copy can bring back have got one; a repeat makes the same copy."""
        wanted = list(dict.fromkeys(one.ref for one in acted if _wants_copy(verb, one)))
        copies: dict[JobRef, NewJob] = {}
        for start in range(0, len(wanted), COPIED_AT_ONCE):
            found = self._backend.get(wanted[start : start + COPIED_AT_ONCE])
            made = {original.ref: _copy_of(original, operation) for original in found if original is not None}
            if made:
                self._backend.enqueue(list(made.values()))
            copies |= made
        return [
            Acted(copies[one.ref].ref, applied=True, before=one.before, after=State.PENDING)
            if one.ref in copies
            else one
            for one in acted
        ]

    def _parts(self, queues: Sequence[str]) -> tuple[str, ...]:
        return self.partitions.of_all(check_queue(queue) for queue in queues)

    def _chunks(self, sweep: Sweep) -> Iterator[Swept]:
        while True:
            swept = self._backend.sweep(sweep)
            yield swept
            if swept.next is None:
                return
            sweep = replace(sweep, after=swept.next)


def job_of(entry: StoredSchedule, raw: bytes) -> NewJob:
    """The job that a schedule enqueues, under an id."""
    spec: ScheduleSpec = unpack_spec(entry.spec)
    return NewJob(
        queue=entry.queue,
        raw=raw,
        task=spec.task,
        arguments=pack_arguments(spec.arguments),
        options=pack_options(replace(unpack_options(spec.options), schedule=entry.key)),
        priority=spec.priority,
        max_attempts=spec.max_attempts,
        unique_key=spec.unique_key,
        unique=spec.unique,
        unique_ms=spec.unique_ms,
        gate=spec.gate,
    )


def _sum(one: Swept, other: Swept) -> Swept:
    return Swept(
        applied=one.applied + other.applied,
        refused=one.refused + other.refused,
        scanned=one.scanned + other.scanned,
    )


def _wants_copy(verb: Verb, acted: Acted) -> bool:
    return not acted.applied and acted.before is not None and EFFECTS[verb][acted.before] is Effect.COPY


def _copy_of(original: StoredJob, operation: str) -> NewJob:
    """The same work as a new job that names the one it repeats."""
    options = replace(unpack_options(original.options), parent=str(original.ref), expires_ms=0, expires_at_ms=0)
    return NewJob(
        queue=original.ref.queue,
        raw=derived_raw(original.ref.raw, operation),
        task=original.task,
        arguments=original.arguments,
        options=pack_options(options),
        priority=original.priority,
        max_attempts=original.max_attempts,
        gate=original.gate,
    )


def _by_queue(refs: Sequence[JobRef]) -> dict[str, list[bytes]]:
    queues: dict[str, list[bytes]] = defaultdict(list)
    for ref in refs:
        queues[ref.queue].append(ref.raw)
    return queues
