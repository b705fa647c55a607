"""Moving a store: live jobs, dead letters and schedules go to another store, ids kept; killed half-way, it goes on."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from .backends.contract import Backend, PageQuery, QueueCounts
from .errors import InvalidInput
from .model.clock import as_ms
from .model.job import StoredJob
from .model.states import State, Verb
from .worker.aftermath import Aftermath
from .worker.engine import Engine

MOVING: Final = "moving to "  # how the reason begins under which a queue of the old store is paused
MOVED_AT_ONCE: Final = 200
LOOK_AGAIN_S: Final = 0.5
RELAYED_AT_ONCE: Final = 500
MOVED_STATES: Final = (State.PENDING, State.SCHEDULED, State.HELD, State.FAILED, State.DEAD)


@dataclass(slots=True)
class Moved:
    """What was moved, and what is still in the old store: jobs that run there, and those that came in meanwhile."""

    jobs: Counter[State] = field(default_factory=Counter)
    schedules: int = 0
    running: int = 0
    left: int = 0

    @property
    def is_whole(self) -> bool:
        return not self.running and not self.left


Progress = Callable[[Moved], None]


def move(source: Engine, target: Backend, *, wait_s: float = 60.0, progress: Progress | None = None) -> Moved:
    """Move everything that is not finished, and the dead letters, from one store to another.

    The queues of the old store are paused first and stay so. A job is in the new store before it leaves the old one;
    one that stands in both, because this was killed between, is stored once: the new store knows its id. Jobs that run
    are waited for at most wait_s seconds (those of dead workers are taken back when their lease runs out); what still
    runs then is told, and moves when this is called again. Raises InvalidInput for a store and itself.
    """
    if source.backend.store_id == target.store_id:
        raise InvalidInput("both are the same store", path="$.to")
    mover = _Mover(source, target, progress)
    mover.pause_all()
    mover.move_schedules()
    mover.move_jobs()
    until = time.monotonic() + wait_s
    while mover.still_running() and time.monotonic() < until:
        mover.rescue()
        time.sleep(LOOK_AGAIN_S)
        mover.move_jobs()
    mover.move_jobs()
    return mover.sum_up()


class _Mover:
    """One run of a move; everything it does may be done again."""

    def __init__(self, source: Engine, target: Backend, progress: Progress | None) -> None:
        self._engine = source
        self._old, self._new = source.backend, target
        self._aftermath = Aftermath(source, name=uuid.uuid4().hex)
        self._progress = progress
        self._moved = Moved()

    def pause_all(self) -> None:
        """A pause of an operator goes along; ours takes its place in the old store."""
        for counts in self._old.counts():
            if counts.is_paused and not counts.paused_reason.startswith(MOVING):
                self._new.pause(counts.queue, counts.paused_reason)
            self._old.pause(counts.queue, f"{MOVING}{self._new.url}")

    def move_schedules(self) -> None:
        """With their last fire; where code has declared one in the new store already, a switch-off goes along."""
        for entry in self._old.schedules():
            is_new = self._new.adopt_schedule(entry)
            if not is_new and not entry.enabled:
                self._new.switch_schedule(entry.queue, entry.key, enabled=False)
            self._old.remove_schedule(entry.queue, entry.key)
            self._moved.schedules += 1

    def move_jobs(self) -> None:
        """Those that rest now, until none is found; follow-ups on their way to another queue arrive there first."""
        for queue in self._names():
            while self._old.relay(queue, RELAYED_AT_ONCE):
                pass
        for state in MOVED_STATES:
            for queue in self._names():
                for jobs in self._pages(queue, state):
                    self._move(queue, jobs)

    def still_running(self) -> int:
        return sum(counts.states.get(State.RUNNING, 0) for counts in self._old.counts())

    def rescue(self) -> None:
        """The workers of the old store may be gone, and with them its janitor."""
        for queue in self._names():
            found = self._old.rescue(queue, MOVED_AT_ONCE, as_ms(self._engine.config.lease))
            if found.claims:
                self._aftermath.settle_lost(queue, found.claims, found.workers)

    def sum_up(self) -> Moved:
        self._aftermath.close()
        counts = self._old.counts()
        self._moved.running = sum(each.states.get(State.RUNNING, 0) for each in counts)
        self._moved.left = sum(_resting(each) for each in counts)
        return self._moved

    def _move(self, queue: str, jobs: Sequence[StoredJob]) -> None:
        whole = [job for job in self._old.get([job.ref for job in jobs]) if job is not None]
        resting = [job for job in whole if job.state in MOVED_STATES]
        self._new.adopt(queue, resting)
        places = [(job.ref.raw, job.state, job.score) for job in resting]
        if self._old.withdraw(queue, places) != len(places):
            self._follow_suit(queue, resting)
        self._moved.jobs.update(job.state for job in resting)
        if self._progress is not None:
            self._progress(self._moved)

    def _follow_suit(self, queue: str, jobs: Sequence[StoredJob]) -> None:
        """Some changed in the old store meanwhile: what somebody cancelled there is cancelled here as well, the others
        are found again in their new state."""
        for now in self._old.get([job.ref for job in jobs]):
            if now is None:
                continue
            self._moved.jobs.subtract([job.state for job in jobs if job.ref == now.ref])
            if now.state is State.CANCELLED:
                self._new.act(Verb.CANCEL, queue, [now.ref.raw], f"{MOVING}{now.ref.raw.hex()}", now.reason)

    def _pages(self, queue: str, state: State) -> Iterator[Sequence[StoredJob]]:
        query = PageQuery(state=state, queues=(queue,), limit=MOVED_AT_ONCE)
        while True:
            page = self._old.page(query)
            if page.jobs:
                yield page.jobs
            if page.next is None:
                return
            query = replace(query, after=page.next)

    def _names(self) -> list[str]:
        return [counts.queue for counts in self._old.counts()]


def _resting(counts: QueueCounts) -> int:
    return sum(counts.states.get(state, 0) for state in MOVED_STATES)
