"""How many jobs come before a pending one."""

import pytest

from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.states import State, Verb

from .lab import Lab, keys
from .matrix import covers, each_state


@covers("ahead", State.PENDING)
def test_a_job_stands_behind_those_that_came_before(lab: Lab):
    refs = []
    for _ in range(4):
        refs.append(lab.enqueue())
        lab.clock.move(1)
    assert [lab.store.ahead(ref, 100) for ref in refs] == [0, 1, 2, 3]


def test_jobs_of_one_moment_stand_in_the_order_of_their_ids(lab: Lab):
    refs = [lab.enqueue() for _ in range(4)]
    assert [lab.store.ahead(ref, 100) for ref in refs] == [0, 1, 2, 3]


def test_a_higher_priority_stands_before(lab: Lab):
    low, middle, high = (lab.enqueue(priority=priority) for priority in (-100, 0, 100))
    assert [lab.store.ahead(ref, 100) for ref in (low, middle, high)] == [2, 1, 0]


@each_state("ahead", *(state for state in State if state is not State.PENDING))
def test_a_job_that_is_not_pending_has_no_place(lab: Lab, state: State):
    ref = lab.arrive(state)
    pending = lab.enqueue()
    assert lab.store.ahead(ref, 100) is None
    assert lab.store.ahead(pending, 100) == 0


def test_a_job_that_is_not_there_has_no_place(lab: Lab):
    lab.enqueue()
    assert lab.store.ahead(JobRef("mail", b"\x00" * 14), 100) is None
    assert lab.store.ahead(JobRef("nowhere", b"\x00" * 14), 100) is None
    assert [counts.queue for counts in lab.store.counts()] == ["mail"]


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (5, 5), (9, 9), (10, 9), (1_000, 9)])
def test_it_is_counted_up_to_a_limit(lab: Lab, limit: int, expected: int):
    for _ in range(9):
        lab.enqueue()
    assert lab.store.ahead(lab.enqueue(), limit) == expected


def test_only_its_own_queue_counts(lab: Lab):
    for queue in ("a", "b", "c"):
        lab.enqueue(queue=queue)
    assert lab.store.ahead(lab.enqueue(queue="b"), 100) == 1


def test_what_is_claimed_or_gone_is_no_longer_ahead(lab: Lab):
    refs = [lab.enqueue() for _ in range(5)]
    claims = lab.claim(2)
    assert lab.store.ahead(refs[4], 100) == 2
    lab.act(Verb.CANCEL, refs[3])
    assert lab.store.ahead(refs[4], 100) == 1
    lab.store.release("mail", keys(claims))
    assert lab.store.ahead(refs[4], 100) == 3


def test_who_waits_at_a_gate_is_not_ahead_until_it_has_passed(lab: Lab):
    gate = Gate("limit:ann", limit=1)
    claim = lab.start(gate=gate)
    lab.enqueue(gate=gate)
    behind = lab.enqueue()
    assert lab.store.ahead(behind, 100) == 1
    lab.store.release("mail", keys(lab.claim(1)))
    assert lab.store.ahead(behind, 100) == 0
    lab.settle(claim, State.COMPLETED)
    assert lab.store.ahead(behind, 100) == 1
