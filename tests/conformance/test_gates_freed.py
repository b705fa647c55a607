"""A freed slot releases exactly one, by whichever way its job left."""

from collections.abc import Callable

import pytest

from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import HOUR_MS, LEASE_MS, Lab, keys, raws
from .matrix import each_state

NAME = "limit:ann"
ONE = Gate(NAME, limit=1)
Leave = Callable[[Lab, JobRef], None]


def line_up(lab: Lab, count: int) -> list[JobRef]:
    """Jobs of the gate, one a millisecond, which have come there in vain."""
    jobs = []
    for _ in range(count):
        jobs.append(lab.enqueue(gate=ONE))
        lab.clock.move(1)
    assert lab.claim(1) == []
    return jobs


@each_state("gate", *(state for state in State if state is not State.RUNNING))
def test_a_settle_hands_its_slot_to_exactly_one(lab: Lab, state: State):
    claim = lab.start(gate=ONE)
    waiting = line_up(lab, 3)
    delayed = state in (State.FAILED, State.SCHEDULED)
    reply = lab.settle(claim, state, delay_ms=HOUR_MS if delayed else 0, want=10)
    assert raws(reply.claims) == [waiting[0].raw]
    assert lab.at_gate(NAME) == (1, 3 if state is State.PENDING else 2)


@each_state("gate", State.RUNNING)
def test_a_renewal_keeps_its_slot(lab: Lab, state: State):
    claim = lab.start(gate=ONE)
    line_up(lab, 2)
    assert list(lab.store.renew("mail", keys([claim]), LEASE_MS)) == []
    assert (lab.state(claim.ref), lab.at_gate(NAME)) == (state, (1, 2))
    assert lab.claim(5) == []


def released(lab: Lab, ref: JobRef) -> None:
    assert lab.store.release("mail", [(ref.raw, lab.read(ref).token)]) == 1


def released_when_asked_to_stop(lab: Lab, ref: JobRef) -> None:
    lab.act(Verb.CANCEL, ref)
    released(lab, ref)


def snoozed(lab: Lab, ref: JobRef) -> None:
    outcome = {"charge": Charge.RETURNED, "delay_ms": HOUR_MS}
    lab.finish(claim_of(lab, ref), State.SCHEDULED, **outcome)


def rescued(lab: Lab, ref: JobRef) -> None:
    lab.pass_time(2 * LEASE_MS)
    [lost] = lab.store.rescue("mail", 10, LEASE_MS).claims
    assert lost.raw == ref.raw
    lab.finish(lost, State.PENDING, charge=Charge.LOST, if_expired=True)


def stopped(lab: Lab, ref: JobRef) -> None:
    """Asked to stop, it fails: which cancels it."""
    claim = claim_of(lab, ref)
    lab.act(Verb.CANCEL, ref)
    lab.finish(claim, State.FAILED, delay_ms=HOUR_MS)
    assert lab.state(ref) is State.CANCELLED


def claim_of(lab: Lab, ref: JobRef):
    """The claim of a running job, as its worker got it."""
    [claim] = [claim for claim in lab.exchange(call=lab.last_call()).claims if claim.raw == ref.raw]
    return claim


@pytest.mark.parametrize("leave", [released, released_when_asked_to_stop, snoozed, rescued, stopped])
def test_who_ran_hands_its_slot_to_exactly_one(lab: Lab, leave: Leave):
    held = [lab.enqueue(gate=ONE)]
    for _ in range(3):
        lab.clock.move(1)
        held.append(lab.enqueue(gate=ONE))
    [claim] = lab.claim(10)
    leave(lab, claim.ref)
    assert lab.at_gate(NAME) == (1, 2)
    assert (lab.state(held[1]), lab.refs(State.HELD)) == (State.PENDING, held[2:])
    assert raws(lab.claim(10)) == [held[1].raw]


def cancelled(lab: Lab, ref: JobRef) -> None:
    lab.act(Verb.CANCEL, ref)


def discarded(lab: Lab, ref: JobRef) -> None:
    lab.act(Verb.DISCARD, ref)


def purged(lab: Lab, ref: JobRef) -> None:
    assert lab.store.purge("mail", State.PENDING, lab.read(ref).enqueued_ms + 1, 1) == 1
    assert lab.look(ref) is None


def withdrawn(lab: Lab, ref: JobRef) -> None:
    assert lab.store.withdraw("mail", [(ref.raw, State.PENDING, lab.read(ref).score)]) == 1
    assert lab.look(ref) is None


@pytest.mark.parametrize("leave", [cancelled, discarded, purged, withdrawn])
def test_who_has_passed_and_leaves_unclaimed_hands_its_slot_to_exactly_one(lab: Lab, leave: Leave):
    claim = lab.start(gate=ONE)
    waiting = line_up(lab, 3)
    lab.settle(claim, State.COMPLETED)
    assert lab.refs(State.PENDING) == waiting[:1]
    leave(lab, waiting[0])
    assert (lab.refs(State.PENDING), lab.refs(State.HELD)) == (waiting[1:2], waiting[2:])
    assert lab.at_gate(NAME) == (1, 1)
    assert raws(lab.claim(10)) == [waiting[1].raw]


@pytest.mark.parametrize("leave", [cancelled, discarded, withdrawn])
def test_who_has_not_passed_frees_nothing_when_it_leaves(lab: Lab, leave: Leave):
    lab.start(gate=ONE)
    line_up(lab, 2)
    newcomer = lab.enqueue(gate=ONE, priority=50)
    leave(lab, newcomer)
    assert (lab.at_gate(NAME), lab.count(State.PENDING)) == ((1, 2), 0)


def purged_from_line(lab: Lab, ref: JobRef) -> None:
    assert lab.store.purge("mail", State.HELD, lab.read(ref).enqueued_ms + 1, 1) == 1


def withdrawn_from_line(lab: Lab, ref: JobRef) -> None:
    assert lab.store.withdraw("mail", [(ref.raw, State.HELD, lab.read(ref).score)]) == 1


@pytest.mark.parametrize("leave", [cancelled, discarded, purged_from_line, withdrawn_from_line])
def test_who_leaves_the_line_gives_its_turn_to_the_next(lab: Lab, leave: Leave):
    claim = lab.start(gate=ONE)
    waiting = line_up(lab, 3)
    leave(lab, waiting[0])
    assert lab.at_gate(NAME) == (1, 2)
    assert raws(lab.settle(claim, State.COMPLETED, want=10).claims) == [waiting[1].raw]


def test_a_released_job_asks_the_gate_again_behind_those_who_wait(lab: Lab):
    claim = lab.start(gate=ONE)
    [next_one] = line_up(lab, 1)
    released(lab, claim.ref)
    assert lab.at_gate(NAME) == (1, 0)
    assert raws(lab.claim(10)) == [next_one.raw]
    assert lab.read(claim.ref).held_at == NAME


def test_a_released_job_passes_again_when_nobody_waits(lab: Lab):
    claim = lab.start(gate=ONE)
    released(lab, claim.ref)
    assert lab.gate(NAME) is None
    [again] = lab.claim(10)
    assert (again.raw, again.attempts, lab.at_gate(NAME)) == (claim.raw, 1, (1, 0))


def test_several_that_leave_in_one_call_hand_on_as_many_slots(lab: Lab):
    three = Gate(NAME, limit=3)
    jobs = [lab.enqueue(gate=three) for _ in range(7)]
    claims = lab.claim(10)
    assert lab.store.release("mail", keys(claims[:2])) == 2
    assert (lab.at_gate(NAME), lab.refs(State.PENDING)) == ((3, 2), [*jobs[:2], *jobs[3:5]])


def test_several_that_are_cancelled_in_one_call_hand_on_as_many_slots(lab: Lab):
    three = Gate(NAME, limit=3)
    jobs = [lab.enqueue(gate=three) for _ in range(8)]
    claims = lab.claim(10)
    lab.store.release("mail", keys(claims))
    assert lab.refs(State.HELD) == jobs[6:]
    acted = lab.store.act(Verb.CANCEL, "mail", raws([*jobs[3:5], jobs[7]]), "three at once")
    assert [one.applied for one in acted] == [True, True, True]
    assert (lab.refs(State.HELD), lab.at_gate(NAME)) == ([], (2, 0))
