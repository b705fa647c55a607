"""A short hand for tests: one store, its clock, and the steps that bring a job where a test wants it."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from core.backends.contract import Acted, Backend, Cursor, Exchange, ExchangeReply, Page, PageQuery, QueueCounts
from core.model.gate import GateInfo, task_gate
from core.model.ident import JobRef
from core.model.job import Claim, NewJob, Receipt, StoredJob
from core.model.outcome import Charge, Outcome
from core.model.states import State, Verb

from .clock import FakeClock

LEASE_MS = 30_000
QUEUE = "mail"
WORKER = "a" * 32
OTHER_WORKER = "b" * 32
TASK = "shop.send"
ARGUMENTS = b"\x81\xa2to\xa3ann"  # MessagePack of {"to": "ann"}
HOUR_MS = 3_600_000


class Lab:
    """The steps of a test. Ids are made in ascending order, so that ties are the tests' own."""

    def __init__(self, store: Backend, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self._ids = itertools.count(1)
        self._calls: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._operations = itertools.count(1)

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    # Coming in

    def raw(self) -> bytes:
        """A fresh id, greater than those before it."""
        return next(self._ids).to_bytes(8, "big") + b"\x00conf\x00"

    def job(self, **fields: Any) -> NewJob:
        """A request with a fresh id, and anything else as given."""
        known = {"queue": QUEUE, "task": TASK, "arguments": ARGUMENTS}
        return NewJob(**{**known, "raw": fields.get("raw") or self.raw(), **fields})

    def enqueue(self, **fields: Any) -> JobRef:
        """Store one job; it must be new."""
        receipt = self.offer(**fields)
        assert receipt.created
        return receipt.ref

    def offer(self, **fields: Any) -> Receipt:
        """Send one job in, whatever the answer."""
        [receipt] = self.store.enqueue([self.job(**fields)])
        return receipt

    # The hot verb

    def exchange(self, *outcomes: Outcome, queue: str = QUEUE, worker: str = WORKER, **fields: Any) -> ExchangeReply:
        """The next call of a worker; `call` may be given to send another number."""
        number = fields.pop("call", None)
        if number is None:
            number = self._calls[queue, worker] = self._calls[queue, worker] + 1
        fields = {"lease_ms": LEASE_MS, **fields}
        call = Exchange(queue=queue, worker=worker, call=number, outcomes=outcomes, **fields)
        return self.store.exchange(call)

    def last_call(self, queue: str = QUEUE, worker: str = WORKER) -> int:
        return self._calls[queue, worker]

    def claim(self, want: int = 1, **fields: Any) -> list[Claim]:
        return list(self.exchange(want=want, **fields).claims)

    def claim_one(self, **fields: Any) -> Claim:
        """Claim one job; there must be one."""
        [claim] = self.claim(1, **fields)
        return claim

    def start(self, **fields: Any) -> Claim:
        """Enqueue a job and claim that very one."""
        return self.claim_it(self.enqueue(**fields))

    def claim_it(self, ref: JobRef, **fields: Any) -> Claim:
        """Claim this pending job, whatever stands before it in its queue."""
        claims = self.claim(10_000, queue=ref.queue, **fields)
        others = [(claim.raw, claim.token) for claim in claims if claim.raw != ref.raw]
        assert self.store.release(ref.queue, others) == len(others)
        [claim] = [claim for claim in claims if claim.raw == ref.raw]
        return claim

    def settle(
        self, claim: Claim, state: State, *, worker: str = WORKER, want: int = 0, **fields: Any
    ) -> ExchangeReply:
        """Settle one claim, alone in its call."""
        return self.exchange(end(claim, state, **fields), queue=claim.queue, worker=worker, want=want)

    def finish(self, claim: Claim, state: State, **fields: Any) -> None:
        """Settle one claim, which must be accepted."""
        assert self.settle(claim, state, **fields).refused == []

    # Bringing a job into a state

    def arrive(self, state: State, **fields: Any) -> JobRef:
        """A new job in a state, by the shortest way; failed and scheduled ones are due in an hour."""
        if state is State.SCHEDULED:
            return self.enqueue(**{"delay_ms": HOUR_MS, **fields})
        ref = self.enqueue(**fields)
        if state is not State.PENDING:
            claim = self.claim_it(ref)
            if state is not State.RUNNING:
                self.finish(claim, state, delay_ms=HOUR_MS if state is State.FAILED else 0)
        return ref

    def outlived(self, state: State, **fields: Any) -> Claim:
        """A claim whose job has gone on to `state` without it: its token is stale."""
        claim = self.start(**fields)
        if state is State.RUNNING:
            self.finish(claim, State.PENDING)
            assert self.claim_it(claim.ref, worker=OTHER_WORKER).token > claim.token
        else:
            delayed = state in (State.FAILED, State.SCHEDULED)
            self.finish(claim, state, delay_ms=HOUR_MS if delayed else 0)
        return claim

    def hold(self, ref: JobRef, task: str, **fields: Any) -> None:
        """Let a worker find out that it does not know the task of a pending job."""
        self.finish(self.claim_it(ref), State.HELD, charge=Charge.RETURNED, held_at=task_gate(task), **fields)

    def act(self, verb: Verb, ref: JobRef, *, operation: str = "", reason: str = "") -> Acted:
        """One verb on one job; a new operation unless one is given."""
        name = operation or f"operation-{next(self._operations)}"
        [acted] = self.store.act(verb, ref.queue, [ref.raw], name, reason)
        return acted

    def pass_time(self, ms: int, *, queue: str = QUEUE, lease_ms: int = LEASE_MS) -> None:
        """Let time go by while a janitor keeps watch over the leases, so that it is no jump."""
        step = lease_ms // 2
        self.store.rescue(queue, 0, lease_ms)
        for moved in range(0, ms, step):
            self.clock.move(min(step, ms - moved))
            self.store.rescue(queue, 0, lease_ms)

    # Looking

    def read(self, ref: JobRef) -> StoredJob:
        """A job whole; it must be there."""
        job = self.look(ref)
        assert job is not None, f"no job {ref}"
        return job

    def look(self, ref: JobRef) -> StoredJob | None:
        [job] = self.store.get([ref])
        return job

    def state(self, ref: JobRef) -> State | None:
        job = self.look(ref)
        return job and job.state

    def page(self, state: State, **fields: Any) -> Page:
        return self.store.page(PageQuery(state=state, **fields))

    def refs(self, state: State, **fields: Any) -> list[JobRef]:
        """The ids of every job of a state, in its natural order."""
        return [job.ref for job in walk(self.store, state, **fields)]

    def counts(self, queue: str = QUEUE) -> QueueCounts:
        [counts] = [counts for counts in self.store.counts() if counts.queue == queue]
        return counts

    def gate(self, name: str, queue: str = QUEUE) -> GateInfo | None:
        return self.store.gate(queue, name)

    def at_gate(self, name: str, queue: str = QUEUE) -> tuple[int, int]:
        """How many hold a slot of a gate, and how many wait there."""
        info = self.gate(name, queue)
        return (info.used, info.waiting) if info else (0, 0)

    def count(self, state: State, queue: str = QUEUE) -> int:
        return self.counts(queue).states[state]


def end(claim: Claim, state: State, **fields: Any) -> Outcome:
    """An outcome for a claim."""
    return Outcome(**{"raw": claim.raw, "token": claim.token, "state": state, **fields})


def raws(jobs: Sequence[Claim | JobRef]) -> list[bytes]:
    return [job.raw for job in jobs]


def keys(claims: Sequence[Claim]) -> list[tuple[bytes, int]]:
    """Claims as `renew` and `release` name them."""
    return [(claim.raw, claim.token) for claim in claims]


def walk(store: Backend, state: State, *, limit: int = 200, **fields: Any) -> Iterator[StoredJob]:
    """Every job of a state, page after page."""
    after: Cursor | None = None
    while True:
        page = store.page(PageQuery(state=state, after=after, limit=limit, **fields))
        yield from page.jobs
        after = page.next
        if after is None:
            return
