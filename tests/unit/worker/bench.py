"""The parts of a worker, put together for tests that move them by hand."""

import itertools
from collections.abc import Callable
from typing import Any

from core.app import Jobs
from core.backends.contract import Exchange
from core.model.ident import JobRef
from core.model.job import Claim, StoredJob, unpack_options
from core.model.outcome import AttemptLine
from core.worker.attempt import Attempt
from core.worker.settlement import Settlement
from core.worker.slots import Slots
from core.worker.storetime import StoreTime
from core.worker.table import Region, SlotTable

LEASE_MS = 30_000


class HandClock:
    """Stands still; moved in seconds."""

    def __init__(self) -> None:
        self.at_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def move(self, seconds: float) -> None:
        self.at_ms += int(seconds * 1000)


class Bench:
    """One region of a slot table, slots on it, and claims from the memory store."""

    def __init__(self, jobs: Jobs, *, limit: int = 2) -> None:
        self.jobs = jobs
        self.region: Region = SlotTable(regions=1, entries=16).regions[0]
        self.region.take()
        self.time = StoreTime()
        self.slots = Slots(self.region, limit=limit, store_time=self.time, default_timeout_s=300, lease_s=30)
        self.settlement = Settlement(jobs.config, self.time, worker="bench")
        self._calls = itertools.count(1)

    def claim(self, func: Callable[..., Any], *, want: int = 1, **arguments: Any) -> Claim:
        """Enqueue a job of a function, registered by its name, and claim it."""
        if self.jobs.registry.get(func.__name__) is None:
            self.jobs.register(func.__name__, func)
        self.jobs.enqueue(func.__name__, **arguments)
        return self.claim_next()

    def claim_next(self) -> Claim:
        call = Exchange(queue="default", worker="a" * 32, call=next(self._calls), want=1, lease_ms=LEASE_MS)
        [claim] = self.jobs.backend.exchange(call).claims
        return claim

    def attempt(self, claim: Claim) -> Attempt:
        task = self.jobs.registry.get(claim.task)
        assert task is not None
        return Attempt(claim, task, unpack_options(claim.options), self.slots.reserve)

    def admitted(self, func: Callable[..., Any], **arguments: Any) -> Attempt:
        """A claim that waits in the slots."""
        attempt = self.attempt(self.claim(func, **arguments))
        self.slots.admit(b"default", [attempt])
        return attempt

    def started(self, func: Callable[..., Any], **arguments: Any) -> Attempt:
        """A claim that runs, as far as the slots know."""
        self.admitted(func, **arguments)
        taken = self.slots.take_for_thread()
        assert taken is not None
        return taken

    def stored(self, claim: Claim) -> StoredJob:
        [job] = self.jobs.backend.get([JobRef(claim.queue, claim.raw)])
        assert job is not None
        return job

    def lines(self, claim: Claim) -> tuple[AttemptLine, ...]:
        found = self.jobs.get(str(claim.ref))
        assert found is not None
        return found.lines
