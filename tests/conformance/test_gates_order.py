"""Who waits at a limit passes in run order, and as many as the newest numbers of the gate allow."""

from core.model.gate import Gate, GateInfo
from core.model.states import State

from .lab import Lab, end, raws

NAME = "limit:ann"
ONE, TWO, THREE = (Gate(NAME, limit=limit) for limit in (1, 2, 3))


def test_those_who_wait_pass_by_priority_and_then_in_run_order(lab: Lab):
    """Not in the order in which they came to the gate."""
    claim = lab.start(gate=ONE)
    low = lab.enqueue(gate=ONE, priority=-5)
    lab.claim(1)
    lab.clock.move(10)
    second = lab.enqueue(gate=ONE)
    lab.clock.move(10)
    high = lab.enqueue(gate=ONE, priority=5)
    third = lab.enqueue(gate=ONE)
    lab.claim(1)
    assert lab.count(State.HELD) == 4
    passed = []
    for _ in range(4):
        [claim] = lab.settle(claim, State.COMPLETED, want=5).claims
        passed.append(claim.ref)
    assert passed == [high, second, third, low]


def test_who_passes_goes_back_to_its_old_place(lab: Lab):
    claim = lab.start(gate=ONE)
    waiting = lab.enqueue(gate=ONE)
    score = lab.read(waiting).score
    lab.exchange(want=1)
    lab.clock.move(100)
    younger = lab.enqueue()
    lab.settle(claim, State.COMPLETED)
    job = lab.read(waiting)
    assert (job.state, job.score, job.held_at) == (State.PENDING, score, "")
    claims = lab.claim(2)
    assert raws(claims) == raws([waiting, younger])
    assert claims[0].ready_ms == lab.now - 100


def test_who_has_passed_is_not_asked_again(lab: Lab):
    """A lower limit that comes before its claim does not turn it away."""
    claims = [lab.start(gate=TWO) for _ in range(2)]
    passed = lab.enqueue(gate=TWO)
    lab.exchange(want=1)
    lab.settle(claims[0], State.COMPLETED)
    lowered = lab.enqueue(gate=ONE, priority=100)
    assert raws(lab.claim(5)) == [passed.raw]
    assert lab.state(lowered) is State.HELD
    assert lab.at_gate(NAME) == (2, 1)


def test_as_many_pass_as_slots_have_become_free(lab: Lab):
    jobs = [lab.enqueue(gate=THREE) for _ in range(8)]
    claims = lab.claim(10)
    reply = lab.exchange(*(end(claim, State.COMPLETED) for claim in claims[:2]), want=10)
    assert raws(reply.claims) == raws(jobs[3:5])
    assert lab.at_gate(NAME) == (3, 3)


def test_slots_are_refilled_even_when_nobody_claims(lab: Lab):
    jobs = [lab.enqueue(gate=TWO) for _ in range(5)]
    claims = lab.claim(10)
    lab.exchange(*(end(claim, State.COMPLETED) for claim in claims), want=0)
    assert lab.refs(State.PENDING) == jobs[2:4]
    assert lab.at_gate(NAME) == (2, 1)


def test_a_raised_limit_lets_the_difference_through(lab: Lab):
    jobs = [lab.enqueue(gate=ONE) for _ in range(4)]
    lab.claim(10)
    newest = lab.enqueue(gate=THREE)
    assert lab.claim(10) == []
    assert (lab.refs(State.PENDING), lab.state(newest)) == (jobs[1:3], State.HELD)
    assert lab.gate(NAME) == GateInfo(gate=THREE, used=3, waiting=2)
    assert raws(lab.claim(10)) == raws(jobs[1:3])


def test_a_lowered_limit_stops_nobody_and_lets_nobody_pass_until_there_is_room(lab: Lab):
    claims = [lab.start(gate=THREE) for _ in range(3)]
    waiting = lab.enqueue(gate=ONE)
    assert lab.claim(5) == []
    for claim in claims[:2]:
        assert list(lab.settle(claim, State.COMPLETED, want=5).claims) == []
    assert lab.at_gate(NAME) == (1, 1)
    assert raws(lab.settle(claims[2], State.COMPLETED, want=5).claims) == [waiting.raw]


def test_a_dropped_limit_lets_all_of_them_through(lab: Lab):
    jobs = [lab.enqueue(gate=ONE) for _ in range(4)]
    lab.claim(10)
    newest = lab.enqueue(gate=Gate(NAME))
    lab.claim(10)
    lab.claim(10)
    assert {lab.state(ref) for ref in (*jobs, newest)} == {State.RUNNING}
