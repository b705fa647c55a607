"""A round trip through every kind of store: what can be read of a job is the same after each move."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from core.backends.contract import Backend
from core.model.gate import Gate, task_gate
from core.model.job import StoredJob, Unique
from core.model.states import State

from .clock import FakeClock
from .conftest import Chooser, wanted_stores
from .invariants import assert_consistent
from .lab import HOUR_MS, Lab, keys, walk

RESTS = [state for state in State if state is not State.RUNNING]


@pytest.fixture
def ring(request: pytest.FixtureRequest, choose: Chooser, clock: FakeClock) -> Iterator[list[Backend]]:
    """One store of each kind that this run has, and the first kind again."""
    names = wanted_stores(request.config)
    places = [choose(name, "one") for name in names]
    stores = [place.connect(clock) for place in (*places, choose(names[0], "two"))]
    yield stores
    for store in stores:
        assert_consistent(store)
        store.close()


def fill(lab: Lab) -> None:
    """A job in each state for each of the fields that not every job has."""
    every = [
        {},
        {"arguments": bytes(range(256)), "options": b"\x81\xa1m\x80", "priority": -100, "max_attempts": 10_000},
        {"task": "shop.send", "priority": 100, "unique_key": "für ä\N{PILE OF POO}"},
        {"unique_key": "pending", "unique": Unique.WHILE_PENDING},
        {"unique_key": "timed", "unique": Unique.FOR_A_TIME, "unique_ms": HOUR_MS},
        {"gate": Gate("limit:für ann", limit=10_000, interval_us=1_500_001, burst=100_000)},
    ]
    for state in RESTS:
        for fields in every:
            named = {**fields, "unique_key": f"{fields['unique_key']}-{state}"} if "unique_key" in fields else fields
            lab.arrive(state, **named)
        tried = lab.enqueue()
        lab.finish(lab.claim_it(tried), State.FAILED)
        lab.exchange()  # due at once
        told = {"line": b"\x91\x01", "error": b"\x93\xa1E\xa1m\xa1t", "result": b"\xc4\x02\x00\xff", "reason": "grün"}
        delay_ms = HOUR_MS if state in (State.FAILED, State.SCHEDULED) else 0
        lab.finish(lab.claim_it(tried), state, delay_ms=delay_ms, **told)
    lab.hold(lab.enqueue(task="shop.bill"), "shop.bill")
    one_at_a_time = Gate("limit:one", limit=1)
    claim = lab.start(gate=one_at_a_time)
    for _ in range(2):
        lab.enqueue(gate=one_at_a_time)
    lab.store.release("mail", keys(lab.claim(10_000)))
    lab.finish(claim, State.COMPLETED)  # one of the two has passed now


def everything(store: Backend) -> list[StoredJob | None]:
    return store.get([job.ref for state in State for job in walk(store, state)])


@pytest.mark.timeout(120)
def test_a_round_trip_through_all_kinds_of_store_changes_nothing(ring: list[Backend], clock: FakeClock):
    fill(Lab(ring[0], clock))
    ring[0].put_schedule("mail", "nightly", b"\x80", enabled=False)
    jobs, schedules = everything(ring[0]), ring[0].schedules()
    assert {job.state for job in jobs} == set(RESTS)
    assert {job.held_at for job in jobs} >= {"", task_gate("shop.bill"), "limit:one"}
    for source, target in pairwise(ring):
        clock.move(17)
        assert all(target.adopt("mail", jobs))
        assert source.withdraw("mail", [(job.ref.raw, job.state, job.score) for job in jobs]) == len(jobs)
        assert target.adopt_schedule(schedules[0])
        assert everything(target) == jobs
        assert everything(source) == []
        assert target.schedules() == schedules
        assert [counts.states for counts in target.counts()] == [{s: of(jobs, s) for s in State}]


def of(jobs: list[StoredJob], state: State) -> int:
    return sum(job.state is state for job in jobs)
