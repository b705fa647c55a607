"""Jobs withdrawn from a store where they still are as another has taken them over."""

import pytest

from core.model.gate import Gate
from core.model.job import Unique
from core.model.states import State

from .lab import Lab, keys
from .matrix import covers, each_state
from .moving import RESTS, move, place_of, rich

GATE = Gate("limit:ann", limit=1)


@each_state("withdraw", *RESTS)
def test_a_job_is_withdrawn_where_it_still_is(lab: Lab, state: State):
    job, kept = rich(lab, state), lab.enqueue()
    assert lab.store.withdraw("mail", [place_of(job)]) == 1
    assert (lab.look(job.ref), lab.count(state)) == (None, int(state is State.PENDING))
    assert lab.state(kept) is State.PENDING
    assert lab.store.withdraw("mail", [place_of(job)]) == 0


@each_state("withdraw", State.RUNNING)
def test_a_job_that_was_claimed_meanwhile_is_not_withdrawn(lab: Lab, state: State):
    job = lab.read(lab.enqueue())
    claim = lab.claim_one()
    assert lab.store.withdraw("mail", [place_of(job)]) == 0
    assert lab.state(job.ref) is state
    lab.finish(claim, State.COMPLETED)


@pytest.mark.parametrize("state", RESTS)
def test_a_job_that_moved_within_its_state_is_not_withdrawn(lab: Lab, state: State):
    job = lab.read(lab.arrive(state))
    assert lab.store.withdraw("mail", [(job.ref.raw, state, job.score + 1)]) == 0
    assert lab.read(job.ref) == job


def test_a_job_in_another_state_at_the_same_time_is_not_withdrawn(lab: Lab):
    job = lab.read(lab.arrive(State.COMPLETED))
    assert lab.store.withdraw("mail", [(job.ref.raw, State.CANCELLED, job.score)]) == 0
    assert lab.look(job.ref) is not None


def test_many_are_withdrawn_in_one_call(lab: Lab):
    jobs = [lab.read(lab.arrive(state)) for state in RESTS for _ in range(8)]
    places = [place_of(job) for job in jobs]
    nowhere = [(b"\x00" * 14, State.PENDING, 1)]
    assert lab.store.withdraw("mail", [*places, *nowhere, *places]) == len(jobs)
    assert set(lab.counts().states.values()) == {0}


def test_a_job_is_withdrawn_from_its_own_queue_only(lab: Lab):
    job = lab.read(lab.enqueue())
    assert lab.store.withdraw("bills", [place_of(job)]) == 0
    assert lab.look(job.ref) is not None


def test_a_job_that_is_withdrawn_leaves_its_key(lab: Lab):
    job = lab.read(lab.enqueue(unique_key="a"))
    lab.store.withdraw("mail", [place_of(job)])
    assert lab.offer(unique_key="a").created


def test_a_job_that_is_withdrawn_leaves_its_key_for_a_time_answered(lab: Lab):
    timed = {"unique_key": "a", "unique": Unique.FOR_A_TIME, "unique_ms": 5_000}
    job = lab.read(lab.enqueue(**timed))
    lab.store.withdraw("mail", [place_of(job)])
    assert lab.offer(**timed).ref == job.ref


def test_a_job_that_is_withdrawn_can_come_back(lab: Lab):
    job = rich(lab, State.FAILED)
    lab.store.withdraw("mail", [place_of(job)])
    assert list(lab.store.adopt("mail", [job])) == [True]
    assert lab.read(job.ref) == job


# The whole way


@covers("adopt", *RESTS)
@covers("withdraw", *RESTS)
def test_everything_that_rests_moves_to_another_store(lab: Lab, other: Lab):
    for state in RESTS:
        rich(lab, state, unique_key=f"key-{state}")
        lab.arrive(state)
    running = lab.start(gate=GATE)
    jobs = [lab.read(ref) for state in RESTS for ref in lab.refs(state)]
    assert move(lab.store, other.store, jobs) == len(jobs)
    assert move(lab.store, other.store, jobs) == 0
    assert other.store.get([job.ref for job in jobs]) == jobs
    assert [state for state, count in lab.counts().states.items() if count] == [State.RUNNING]
    lab.store.release("mail", keys([running]))
    assert move(lab.store, other.store, [lab.read(running.ref)]) == 1
    assert set(lab.counts().states.values()) == {0}


def test_a_move_that_broke_off_goes_on_where_it_was(lab: Lab, other: Lab):
    """Adopted there and not yet withdrawn here, some were claimed here meanwhile: those stay here."""
    jobs = [lab.read(lab.enqueue()) for _ in range(4)]
    assert list(other.store.adopt("mail", jobs[:3])) == [True] * 3
    [claimed] = lab.claim(1)
    assert lab.store.withdraw("mail", [place_of(job) for job in jobs]) == 3
    assert [job.ref for job in jobs if lab.look(job.ref)] == [claimed.ref]
