"""What workers and clients do with a store, as far as a store sees it."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from core.backends.contract import Backend, Exchange
from core.model.job import Claim
from core.model.minutes import tally
from core.model.outcome import ErrorDetail, Outcome, line_of
from core.model.states import State

from .contender import Turn
from .spread import BUSY, JobMaker

_pack = msgspec.msgpack.Encoder().encode
NAME = "worker@machine:12345"
_TRACE = "Traceback (most recent call last):\n" + 12 * '  File "shop/tasks.py", line 120, in send\n    deliver(to)\n'


class Worker:
    """Settles what it claimed with the call that claims the next. keep_completed: see contract.Exchange."""

    def __init__(self, store: Backend, queue: str = BUSY, *, keep_completed: int = 10_000) -> None:
        self._store, self._queue, self._keep = store, queue, keep_completed
        self._name = uuid.uuid4().hex
        self._calls = 0
        self.claims: Sequence[Claim] = ()

    def exchange(
        self,
        outcomes: Sequence[Outcome],
        want: int,
        *,
        lease_ms: int = 30_000,
        sums: Mapping[str, int] | None = None,
    ) -> Turn:
        self._calls += 1
        call = Exchange(
            queue=self._queue,
            worker=self._name,
            call=self._calls,
            outcomes=outcomes,
            want=want,
            lease_ms=lease_ms,
            minutes=sums or {},
            keep_completed=self._keep,
        )
        started = time.perf_counter()
        reply = self._store.exchange(call)
        seconds = time.perf_counter() - started
        if reply.refused:
            raise RuntimeError(f"{len(reply.refused)} settles were refused: there is a second worker")
        if len(reply.claims) < want:
            raise RuntimeError(f"{self._queue} has run empty: fill more rows, or measure fewer rounds")
        self.claims = reply.claims
        return Turn(len(outcomes), seconds)


class Plain(Worker):
    """Claims and settles and nothing beside, which is what a bare rival does: nothing is kept of an attempt, nothing
    is trimmed."""

    def __init__(self, store: Backend) -> None:
        super().__init__(store, keep_completed=0)

    def turn(self, want: int) -> Turn:
        done = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in self.claims]
        return self.exchange(done, want)


class Whole(Worker):
    """Sends all that a worker sends by default: a result, the attempt's line, the journal, the sums of the minute.
    Retention is full: for each job that is completed an older one is trimmed."""

    def __init__(self, store: Backend) -> None:
        super().__init__(store, keep_completed=held(store, State.COMPLETED))

    def turn(self, want: int) -> Turn:
        return self.exchange([completed(claim) for claim in self.claims], want, sums=_sums(self.claims))


class Client:
    """Puts jobs at the end of the line."""

    def __init__(self, store: Backend, maker: JobMaker) -> None:
        self._store, self._maker = store, maker

    def batches(self, number: int, size: int) -> list[Callable[[], object]]:
        now = self._store.now_ms()
        made = [[self._maker.make(BUSY, now_ms=now, priority=0) for _ in range(size)] for _ in range(number)]
        return [lambda jobs=jobs: self._store.enqueue(jobs) for jobs in made]


def held(store: Backend, state: State) -> int:
    """How many jobs of a state the busy queue holds."""
    return next(counts.states[state] for counts in store.counts() if counts.queue == BUSY)


def completed(claim: Claim, *, stream: str = "completed") -> Outcome:
    now = claim.claimed_ms
    line = line_of(claim, State.COMPLETED, started_ms=now, finished_ms=now, worker=NAME)
    result = _pack({"sent": True})
    return Outcome(claim.raw, claim.token, State.COMPLETED, result=result, line=_pack(line), stream=stream)


def failed(claim: Claim, state: State, *, delay_ms: int = 0) -> Outcome:
    """A try that went wrong: where it goes is the caller's choice."""
    now = claim.claimed_ms
    line = line_of(
        claim,
        state,
        started_ms=now,
        finished_ms=now,
        worker=NAME,
        error_type="ConnectionError",
        error_line="connection refused",
    )
    error = ErrorDetail("ConnectionError", "connection refused", _TRACE)
    return Outcome(
        claim.raw, claim.token, state, delay_ms=delay_ms, error=_pack(error), line=_pack(line), stream="failures"
    )


def _sums(claims: Sequence[Claim]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for number, claim in enumerate(claims):
        tally(sums, claim.task, "completed", wait_ms=claim.claimed_ms - claim.ready_ms, run_ms=number % 5)
    return sums
