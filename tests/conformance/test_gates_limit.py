"""Limits: as many jobs of a gate as it has slots, the others in line and out of everybody's way."""

import pytest

from core.model.gate import Gate, GateInfo
from core.model.limits import TURNED_AWAY_PER_EXCHANGE
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import HOUR_MS, OTHER_WORKER, Lab, end, keys, raws
from .matrix import covers

NAME = "limit:ann"
ONE, TWO, THREE = (Gate(NAME, limit=limit) for limit in (1, 2, 3))
OTHER = Gate("limit:bob", limit=1)


@covers("gate", State.PENDING, State.RUNNING, State.HELD)
def test_no_more_are_claimed_than_the_gate_has_slots(lab: Lab):
    jobs = [lab.enqueue(gate=TWO) for _ in range(4)]
    assert raws(lab.claim(10)) == raws(jobs[:2])
    assert lab.refs(State.HELD) == jobs[2:]
    assert lab.at_gate(NAME) == (2, 2)


def test_who_waits_says_where_and_since_when(lab: Lab):
    lab.start(gate=ONE)
    waiting = lab.enqueue(gate=ONE)
    lab.clock.move(250)
    lab.exchange(want=1)
    job = lab.read(waiting)
    assert (job.state, job.held_at, job.gate, job.score) == (State.HELD, NAME, ONE, lab.now)
    assert (job.attempts, job.reason) == (0, "")


def test_a_job_shows_its_gate_in_every_view(lab: Lab):
    gate = Gate("rate:shop.send", limit=7, interval_us=1_500_000, burst=3)
    ref = lab.enqueue(gate=gate)
    plain = lab.enqueue()
    assert lab.read(ref).gate == gate
    assert [job.gate for job in lab.page(State.PENDING).jobs] == [gate, None]
    assert (lab.read(plain).gate, lab.read(plain).held_at) == (None, "")


def test_nobody_stands_at_a_gate_that_nobody_came_to(lab: Lab):
    lab.enqueue(gate=ONE)
    assert lab.gate(NAME) is None
    assert lab.gate(NAME, "nowhere") is None
    assert lab.counts().states[State.PENDING] == 1


def test_a_gate_tells_its_numbers(lab: Lab):
    for _ in range(4):
        lab.enqueue(gate=TWO)
    lab.claim(10)
    assert lab.gate(NAME) == GateInfo(gate=TWO, used=2, waiting=2, next_ms=0)


def test_a_gate_that_nobody_uses_any_more_is_nowhere(lab: Lab):
    lab.finish(lab.start(gate=ONE), State.COMPLETED)
    assert lab.gate(NAME) is None


def test_asking_after_a_gate_of_an_unknown_queue_does_not_make_the_queue(lab: Lab):
    assert lab.gate(NAME) is None
    assert list(lab.store.counts()) == []


def test_a_claim_takes_slots_only_for_what_it_wants(lab: Lab):
    jobs = [lab.enqueue(gate=THREE) for _ in range(5)]
    assert raws(lab.claim(2)) == raws(jobs[:2])
    assert lab.at_gate(NAME) == (2, 0)
    assert lab.refs(State.PENDING) == jobs[2:]


def test_those_behind_are_claimed_instead(lab: Lab):
    first, second = (lab.enqueue(gate=ONE) for _ in range(2))
    plain = lab.enqueue()
    assert raws(lab.claim(2)) == [first.raw, plain.raw]
    assert lab.state(second) is State.HELD


def test_many_who_wait_do_not_block_the_head_of_the_queue(lab: Lab):
    """A claim gives up after so many closed gates, and the next one goes on behind them."""
    lab.store.enqueue([lab.job(gate=ONE) for _ in range(301)])
    behind = lab.enqueue()
    [first] = lab.claim(2)
    assert (lab.count(State.HELD), lab.at_gate(NAME)) == (
        TURNED_AWAY_PER_EXCHANGE,
        (1, TURNED_AWAY_PER_EXCHANGE),
    )
    assert raws(lab.claim(2)) == [behind.raw]
    assert lab.at_gate(NAME) == (1, 300)
    follower = lab.settle(first, State.COMPLETED, want=1).claims
    assert (len(follower), lab.at_gate(NAME)) == (1, (1, 299))


def test_two_gates_do_not_disturb_each_other(lab: Lab):
    ann, bob = [lab.enqueue(gate=ONE) for _ in range(2)], [lab.enqueue(gate=OTHER) for _ in range(2)]
    claims = lab.claim(10)
    assert raws(claims) == [ann[0].raw, bob[0].raw]
    assert raws(lab.settle(claims[1], State.COMPLETED, want=10).claims) == [bob[1].raw]
    assert (lab.at_gate(NAME), lab.at_gate(OTHER.name)) == ((1, 1), (1, 0))


def test_a_gate_is_one_queues(lab: Lab):
    for queue in ("a", "b"):
        for _ in range(2):
            lab.enqueue(queue=queue, gate=ONE)
    assert [len(lab.claim(10, queue=queue)) for queue in ("a", "b")] == [1, 1]
    assert [lab.at_gate(NAME, queue) for queue in ("a", "b")] == [(1, 1), (1, 1)]


def test_two_workers_share_the_slots(lab: Lab, meet):
    other = Lab(meet(), lab.clock)
    for _ in range(3):
        lab.enqueue(gate=TWO)
    assert len(lab.claim(1)) == 1
    assert len(other.claim(5, worker=OTHER_WORKER)) == 1
    assert other.at_gate(NAME) == lab.at_gate(NAME) == (2, 1)


def test_a_limit_of_nothing_is_none(lab: Lab):
    for _ in range(3):
        lab.enqueue(gate=Gate(NAME))
    assert len(lab.claim(10)) == 3
    assert lab.at_gate(NAME) == (3, 0)


def test_a_job_that_comes_back_for_its_next_try_asks_the_gate_again(lab: Lab):
    claim = lab.start(gate=ONE)
    lab.finish(claim, State.FAILED, delay_ms=1_000)
    other = lab.start(gate=ONE)
    lab.clock.move(1_000)
    assert lab.claim(5) == []
    assert lab.state(claim.ref) is State.HELD
    [again] = lab.settle(other, State.COMPLETED, want=5).claims
    assert (again.raw, again.attempts) == (claim.raw, 2)


def test_a_follow_up_has_its_gate(lab: Lab):
    claim = lab.start(gate=ONE)
    waiting, follow_up = lab.enqueue(gate=ONE), lab.job(gate=ONE)
    lab.claim(1)
    lab.finish(claim, State.COMPLETED, then=(follow_up,))
    assert raws(lab.claim(5)) == [waiting.raw]
    assert (lab.read(follow_up.ref).held_at, lab.at_gate(NAME)) == (NAME, (1, 1))


def test_the_same_call_again_lets_nobody_else_pass(lab: Lab):
    jobs = [lab.enqueue(gate=TWO) for _ in range(5)]
    first = lab.exchange(want=1)
    again = lab.exchange(want=1, call=lab.last_call())
    assert raws(again.claims) == raws(first.claims) == [jobs[0].raw]
    assert lab.at_gate(NAME) == (1, 0)


def test_the_same_settle_again_frees_no_second_slot(lab: Lab):
    for _ in range(5):
        lab.enqueue(gate=ONE)
    [claim] = lab.claim(5)
    lab.settle(claim, State.COMPLETED)
    lab.exchange(end(claim, State.COMPLETED), call=lab.last_call())
    assert (lab.count(State.PENDING), lab.at_gate(NAME)) == (1, (1, 3))


def test_a_stale_settle_frees_no_slot(lab: Lab):
    claim = lab.start(gate=ONE)
    assert lab.store.release("mail", keys([claim])) == 1
    [again] = lab.claim(1, worker=OTHER_WORKER)
    waiting = lab.enqueue(gate=ONE)
    assert lab.settle(claim, State.COMPLETED, want=1).refused == [claim.raw]
    assert (lab.state(waiting), lab.at_gate(NAME)) == (State.HELD, (1, 1))
    assert again.raw == claim.raw


@covers("pause", State.HELD)
def test_nobody_comes_to_a_gate_of_a_paused_queue(lab: Lab):
    jobs = [lab.enqueue(gate=ONE) for _ in range(3)]
    lab.store.pause("mail", "maintenance")
    assert lab.claim(5) == []
    assert (lab.refs(State.PENDING), lab.gate(NAME)) == (jobs, None)


def test_a_slot_freed_in_a_paused_queue_is_handed_on_but_not_claimed(lab: Lab):
    claim = lab.start(gate=ONE)
    waiting = lab.enqueue(gate=ONE)
    lab.claim(1)
    lab.store.pause("mail", "maintenance")
    assert list(lab.settle(claim, State.COMPLETED, want=5).claims) == []
    assert (lab.state(waiting), lab.at_gate(NAME)) == (State.PENDING, (1, 0))
    lab.store.resume("mail")
    assert raws(lab.claim(5)) == [waiting.raw]


def test_a_full_gate_promises_no_time(lab: Lab):
    lab.start(gate=ONE)
    lab.enqueue(gate=ONE)
    assert lab.exchange(want=1).next_due_ms == 0


@covers("retry", State.HELD)
def test_who_is_run_now_by_hand_passes_whatever_the_limit(lab: Lab):
    running = lab.start(gate=ONE)
    first, second = (lab.enqueue(gate=ONE) for _ in range(2))
    lab.claim(5)
    lab.clock.move(10)
    acted = lab.act(Verb.RETRY, second)
    assert (acted.before, acted.after) == (State.HELD, State.PENDING)
    assert lab.at_gate(NAME) == (2, 1)
    [claim] = lab.claim(5)
    assert (claim.raw, claim.ready_ms) == (second.raw, lab.now)
    assert list(lab.settle(running, State.COMPLETED, want=5).claims) == []
    assert raws(lab.settle(claim, State.COMPLETED, want=5).claims) == [first.raw]


def test_who_is_run_now_at_a_gate_of_its_own_making_takes_a_slot(lab: Lab):
    """Held by its handler's wish, not by the gate: it passed the gate before and passes it again."""
    ref = lab.arrive(State.HELD, gate=ONE)
    assert lab.gate(NAME) is None
    lab.act(Verb.RETRY, ref)
    assert lab.at_gate(NAME) == (1, 0)
    lab.finish(lab.claim_one(), State.COMPLETED)
    assert lab.gate(NAME) is None


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.DISCARD])
def test_who_is_cancelled_while_it_waits_frees_no_slot_and_never_passes(lab: Lab, verb: Verb):
    claim = lab.start(gate=ONE)
    gone, waiting = (lab.enqueue(gate=ONE) for _ in range(2))
    lab.claim(1)
    assert lab.act(verb, gone).before is State.HELD
    assert lab.at_gate(NAME) == (1, 1)
    assert raws(lab.settle(claim, State.COMPLETED, want=5).claims) == [waiting.raw]
    assert lab.read(gone).held_at == ""


def test_who_is_cancelled_while_it_waits_and_retried_asks_the_gate(lab: Lab):
    lab.start(gate=ONE)
    ref = lab.enqueue(gate=ONE)
    lab.claim(1)
    lab.act(Verb.CANCEL, ref)
    lab.act(Verb.RETRY, ref)
    assert lab.at_gate(NAME) == (1, 0)
    assert lab.claim(5) == []
    assert lab.read(ref).held_at == NAME


def test_a_lost_lease_keeps_its_slot_until_it_is_settled(lab: Lab):
    lab.start(gate=ONE)
    waiting = lab.enqueue(gate=ONE)
    lab.pass_time(HOUR_MS // 60)
    assert lab.claim(5) == []
    [lost] = lab.store.rescue("mail", 10, 30_000).claims
    reply = lab.settle(lost, State.PENDING, charge=Charge.LOST, if_expired=True, want=5)
    assert raws(reply.claims) == [waiting.raw]
    assert lab.read(lost.ref).held_at == NAME


def test_a_job_that_is_due_later_does_not_stand_at_its_gate_before(lab: Lab):
    lab.start(gate=ONE)
    later = lab.enqueue(gate=ONE, delay_ms=1_000)
    lab.claim(1)
    assert (lab.state(later), lab.at_gate(NAME)) == (State.SCHEDULED, (1, 0))
    lab.clock.move(1_000)
    lab.claim(1)
    assert (lab.state(later), lab.at_gate(NAME)) == (State.HELD, (1, 1))
