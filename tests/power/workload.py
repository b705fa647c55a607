"""Jobs sent in and worked off, and what the store said about each: the promises that a power cut may not break."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from core.backends.contract import Backend, Exchange
from core.model.ident import JobRef, new_raw
from core.model.job import Claim, NewJob
from core.model.outcome import Outcome
from core.model.states import State

QUEUE = "mail"
WORKER = "power-cut"


class Promise(msgspec.Struct, frozen=True, array_like=True):
    """What the store had answered at a time (time.monotonic_ns): these jobs are in this state, all of them."""

    at_ns: int
    state: str
    raws: tuple[bytes, ...]


@dataclass(frozen=True)
class Losses:
    """Promises that are broken: jobs that are gone, completions that are undone, and since when."""

    promised: int
    jobs: int
    completions: int
    age_s: float

    def __bool__(self) -> bool:
        return bool(self.jobs or self.completions)

    def __str__(self) -> str:
        lost = f"{self.jobs} jobs and {self.completions} completions lost of {self.promised} acknowledged"
        return f"{lost}, the oldest {self.age_s:.2f} s before the cut" if self else lost


def work_on(
    store: Backend,
    told: Callable[[Promise], None],
    chance: random.Random,
    *,
    rounds: int,
    pause_s: float = 0.0,
    worker: str = WORKER,
) -> None:
    """Send in small batches, claim some of them, settle them with the next claim."""
    claims: Sequence[Claim] = ()
    for call in range(1, rounds + 1):
        jobs = [_job(chance) for _ in range(chance.randint(1, 5))]
        store.enqueue(jobs)
        told(_promise(State.PENDING, (job.raw for job in jobs)))
        outcomes = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims]
        reply = store.exchange(Exchange(queue=QUEUE, worker=worker, call=call, outcomes=outcomes, want=3))
        assert not reply.refused
        if outcomes:
            told(_promise(State.COMPLETED, (outcome.raw for outcome in outcomes)))
        claims = reply.claims
        time.sleep(pause_s)


def losses(store: Backend, promises: Iterable[Promise], at_ns: int) -> Losses:
    """What became of the promises given before a time; a batch that is there in part, or a gap among those that were
    kept, is an error whatever may be lost."""
    given = [promise for promise in promises if promise.at_ns <= at_ns]
    raws = [raw for promise in given for raw in promise.raws]
    found = store.get([JobRef(QUEUE, raw) for raw in raws])
    states = {raw: job and job.state for raw, job in zip(raws, found, strict=True)}
    broken = [promise for promise in given if not _is_kept(promise, states)]
    assert broken == given[len(given) - len(broken) :], "something was lost that was older than what was kept"
    return Losses(
        promised=len(raws),
        jobs=_count(broken, State.PENDING),
        completions=_count(broken, State.COMPLETED),
        age_s=(at_ns - broken[0].at_ns) / 1e9 if broken else 0.0,
    )


def _is_kept(promise: Promise, states: dict[bytes, State | None]) -> bool:
    if promise.state == State.COMPLETED:
        kept = {states[raw] is State.COMPLETED for raw in promise.raws}
    else:
        kept = {states[raw] is not None for raw in promise.raws}
    assert len(kept) == 1, "a batch survived in part"
    return kept == {True}


def _count(promises: Iterable[Promise], state: State) -> int:
    return sum(len(promise.raws) for promise in promises if promise.state == state)


def _job(chance: random.Random) -> NewJob:
    size = 40_000 if chance.random() < 0.1 else chance.randint(1, 300)
    return NewJob(
        queue=QUEUE, raw=new_raw(), task="shop.send", arguments=b"\xc6" + size.to_bytes(4, "big") + bytes(size)
    )


def _promise(state: State, raws: Iterable[bytes]) -> Promise:
    return Promise(time.monotonic_ns(), str(state), tuple(raws))
