"""Bringing a store to its million jobs through its own verbs, under a clock that runs through the days before.

Jobs that are to end somewhere are enqueued, claimed and settled first, while nothing else waits in their queues; then
come those that stay in line. Only the clock is not what production has; stores are opened anew without it afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core.backends.contract import Backend
from core.model.ident import JobRef
from core.model.job import Claim
from core.model.outcome import Outcome
from core.model.states import State

from .progress import Progress
from .spread import DAY_MS, DAYS, HOUR_MS, JobMaker, Share, shares
from .worker import Worker, completed, failed

_AT_ONCE = 500  # jobs of one exchange
_BULK = 10_000  # jobs of one enqueue


class MovingClock:
    """A clock that is moved on while a store is filled, and tells `end_ms` and what has passed since afterwards."""

    def __init__(self, end_ms: int) -> None:
        self.end_ms = end_ms
        self._now_ms = end_ms - DAYS * DAY_MS

    def now_ms(self) -> int:
        return self._now_ms

    def move_to(self, at_ms: int) -> None:
        self._now_ms = max(self._now_ms, at_ms)


@dataclass
class Filled:
    """What was stored: how many jobs, and some of each state to find places from."""

    jobs: int = 0
    known: dict[State, list[JobRef]] = field(default_factory=dict)


def fill(store: Backend, clock: MovingClock, maker: JobMaker, rows: int, progress: Progress) -> Filled:
    """Bring the jobs in; the clock ends at its end."""
    filled = Filled()
    plan = shares(rows)
    waits = {State.PENDING, State.SCHEDULED}
    steps = [*_steps([share for share in plan if share.state not in waits], _AT_ONCE)]
    for number, share in enumerate(steps):
        clock.move_to(clock.end_ms - (DAYS * DAY_MS - HOUR_MS) * (len(steps) - number) // len(steps) - HOUR_MS)
        _note(filled, share, _settled(store, clock, maker, share))
        progress.tell(filled.jobs, rows)
    steps = [*_steps([share for share in plan if share.state in waits], _BULK)]
    for number, share in enumerate(steps):
        clock.move_to(clock.end_ms - HOUR_MS * (len(steps) - 1 - number) // len(steps))
        _note(filled, share, _waiting(store, clock, maker, share))
        progress.tell(filled.jobs, rows)
    clock.move_to(clock.end_ms)
    return filled


def _steps(plan: Sequence[Share], size: int) -> Iterator[Share]:
    """Shares cut into pieces of at most `size`, in turns, so that a state's times are spread over all queues."""
    left = {(share.state, share.queue): share.jobs for share in plan}
    while left:
        for (state, queue), jobs in list(left.items()):
            piece = min(size, jobs)
            yield Share(state, queue, piece)
            if jobs == piece:
                del left[state, queue]
            else:
                left[state, queue] = jobs - piece


def _waiting(store: Backend, clock: MovingClock, maker: JobMaker, share: Share) -> list[JobRef]:
    now, end = clock.now_ms(), clock.end_ms
    is_later = share.state is State.SCHEDULED
    jobs = [
        maker.make(share.queue, now_ms=now, run_at_ms=maker.later(end) if is_later else 0) for _ in range(share.jobs)
    ]
    store.enqueue(jobs)
    return [job.ref for job in jobs]


def _settled(store: Backend, clock: MovingClock, maker: JobMaker, share: Share) -> list[JobRef]:
    now = clock.now_ms()
    store.enqueue([maker.make(share.queue, now_ms=now) for _ in range(share.jobs)])
    worker = Worker(store, share.queue, keep_completed=0)
    until_end_ms = clock.end_ms - now
    worker.exchange([], share.jobs, lease_ms=until_end_ms + DAY_MS)
    claims = worker.claims
    if share.state is not State.RUNNING:
        outcomes = [_outcome(share.state, claim, maker.later(clock.end_ms) - now) for claim in claims]
        worker.exchange(outcomes, 0)
    return [claim.ref for claim in claims]


def _outcome(state: State, claim: Claim, delay_ms: int) -> Outcome:
    if state is State.COMPLETED:
        return completed(claim, stream="")
    if state in (State.FAILED, State.DEAD):
        return failed(claim, state, delay_ms=delay_ms if state is State.FAILED else 0)
    reason = "no worker here knows task" if state is State.HELD else "not needed any more"
    return Outcome(claim.raw, claim.token, state, reason=reason)


def _note(filled: Filled, share: Share, refs: Sequence[JobRef]) -> None:
    filled.jobs += len(refs)
    filled.known.setdefault(share.state, []).extend(refs[:: max(1, len(refs) // 5)])
