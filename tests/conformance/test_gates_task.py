"""Jobs of a task that nobody here knows wait for a worker that does, and keep nobody busy meanwhile."""

import pytest

from core.model.gate import Gate, GateInfo, task_gate
from core.model.limits import TOLD_TASKS
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import HOUR_MS, OTHER_WORKER, TASK, Lab, end, raws
from .matrix import covers, each_state

BILL = "shop.bill"
KNOWS, KNOWS_NOT = OTHER_WORKER, "c" * 32


def held(lab: Lab, count: int = 1, task: str = BILL, **fields):
    """Jobs of a task that a worker found it does not know."""
    refs = [lab.enqueue(task=task, **fields) for _ in range(count)]
    for ref in refs:
        lab.hold(ref, task)
    return refs


@covers("hold", State.HELD)
def test_a_job_waits_for_who_knows_its_task(lab: Lab):
    ref = lab.enqueue(task=BILL)
    lab.hold(ref, BILL, reason="no worker here knows shop.bill")
    job = lab.read(ref)
    assert (job.state, job.held_at, job.score) == (State.HELD, task_gate(BILL), lab.now)
    assert (job.attempts, job.reason) == (0, "no worker here knows shop.bill")
    assert lab.gate(task_gate(BILL)) == GateInfo(gate=Gate(task_gate(BILL)), used=0, waiting=1)


def test_it_is_told_that_jobs_wait_for_a_task(lab: Lab):
    assert list(lab.exchange(want=1).awaited) == []
    held(lab, 2)
    assert list(lab.exchange(want=1).awaited) == [BILL]
    assert list(lab.exchange(want=0, worker=KNOWS).awaited) == [BILL]


def test_jobs_that_wait_for_a_limit_are_no_awaited_task(lab: Lab):
    for _ in range(2):
        lab.enqueue(gate=Gate("limit:ann", limit=1))
    assert list(lab.exchange(want=5).awaited) == []


def test_awaited_tasks_are_told_by_name_and_not_all_at_once(lab: Lab):
    names = [f"shop.t{number:02}" for number in range(TOLD_TASKS + 3)]
    for name in reversed(names):
        held(lab, task=name)
    assert list(lab.exchange().awaited) == names[:TOLD_TASKS]


def test_tasks_are_awaited_in_the_queue_of_their_jobs(lab: Lab):
    ref = lab.enqueue(queue="bills", task=BILL)
    lab.hold(ref, BILL)
    lab.arrive(State.CANCELLED)
    assert list(lab.exchange(queue="mail").awaited) == []
    assert list(lab.exchange(queue="bills").awaited) == [BILL]


def test_who_knows_the_task_gets_its_jobs_in_the_same_call(lab: Lab):
    refs = held(lab, 2)
    reply = lab.exchange(worker=KNOWS, want=5, serve=[BILL])
    assert raws(reply.claims) == raws(refs)
    assert [claim.attempts for claim in reply.claims] == [1, 1]
    assert (list(reply.awaited), lab.gate(task_gate(BILL))) == ([], None)


def test_who_does_not_serve_a_task_gets_none_of_its_jobs(lab: Lab):
    [ref] = held(lab)
    assert lab.claim(5) == []
    assert lab.claim(5, serve=[TASK, "shop.unknown"]) == []
    assert lab.state(ref) is State.HELD


@each_state("hold", *(state for state in State if state is not State.HELD))
def test_serving_a_task_touches_none_of_its_other_jobs(lab: Lab, state: State):
    ref = lab.arrive(state, task=BILL)
    before = lab.read(ref)
    if state is State.PENDING:
        lab.enqueue(priority=10)
    lab.exchange(want=1, serve=[BILL])
    assert lab.read(ref) == before


def test_held_for_another_reason_is_not_served(lab: Lab):
    ref = lab.arrive(State.HELD, task=BILL)
    assert lab.claim(5, serve=[BILL]) == []
    assert (lab.state(ref), lab.read(ref).held_at) == (State.HELD, "")


def test_as_many_of_each_task_come_back_as_are_wanted(lab: Lab):
    bills, letters = held(lab, 3), held(lab, 3, task="shop.letter")
    reply = lab.exchange(want=2, serve=[BILL, "shop.letter"])
    assert raws(reply.claims) == raws(bills[:2])
    assert lab.refs(State.PENDING) == letters[:2]
    assert lab.refs(State.HELD) == [bills[2], letters[2]]


def test_asking_for_nothing_serves_nobody(lab: Lab):
    [ref] = held(lab)
    assert list(lab.exchange(want=0, serve=[BILL]).awaited) == [BILL]
    assert lab.state(ref) is State.HELD


@covers("pause", State.HELD)
def test_a_paused_queue_serves_nobody(lab: Lab):
    [ref] = held(lab)
    lab.store.pause("mail", "maintenance")
    assert list(lab.exchange(want=5, serve=[BILL]).awaited) == [BILL]
    assert lab.state(ref) is State.HELD


def test_they_keep_their_place_in_run_order(lab: Lab):
    """Who was there first runs first, and a higher priority before that, however they came to wait."""
    old, high = lab.enqueue(task=BILL), lab.enqueue(task=BILL, priority=9)
    score = lab.read(old).score
    lab.clock.move(100)
    younger = lab.enqueue()
    lab.hold(old, BILL)
    lab.clock.move(100)
    lab.hold(high, BILL)
    reply = lab.exchange(worker=KNOWS, want=3, serve=[BILL])
    assert raws(reply.claims) == raws([high, old, younger])
    assert reply.claims[1].ready_ms == lab.now - 200
    lab.store.release("mail", [(claim.raw, claim.token) for claim in reply.claims])
    assert lab.read(old).score == score


def test_the_first_in_run_order_are_served_first(lab: Lab):
    low, high = lab.enqueue(task=BILL), lab.enqueue(task=BILL, priority=9)
    for ref in (low, high):
        lab.hold(ref, BILL)
    assert raws(lab.claim(1, serve=[BILL])) == [high.raw]
    assert lab.state(low) is State.HELD


def test_a_worker_that_knows_and_one_that_does_not_do_not_pass_a_job_to_and_fro(lab: Lab):
    """What is served is claimed in the same call, so that nothing is left for who would only hold it again."""
    refs = held(lab, 6)
    done = []
    while len(done) < 6:
        assert lab.claim(10, worker=KNOWS_NOT) == []
        [claim] = lab.claim(1, worker=KNOWS, serve=lab.exchange(worker=KNOWS).awaited)
        assert lab.claim(10, worker=KNOWS_NOT) == []
        lab.finish(claim, State.COMPLETED, worker=KNOWS)
        done.append(claim.ref)
    assert done == refs
    assert [lab.read(ref).attempts for ref in refs] == [1] * 6


def test_a_job_that_is_held_again_waits_again(lab: Lab):
    [ref] = held(lab)
    [claim] = lab.claim(1, serve=[BILL])
    lab.clock.move(10)
    lab.finish(claim, State.HELD, charge=Charge.RETURNED, held_at=task_gate(BILL))
    assert (lab.state(ref), lab.read(ref).score) == (State.HELD, lab.now)
    assert list(lab.exchange().awaited) == [BILL]


def test_the_same_call_again_serves_nobody_twice_and_tells_who_waits_now(lab: Lab):
    refs = held(lab, 3)
    first = lab.exchange(want=1, serve=[BILL])
    again = lab.exchange(want=1, serve=[BILL], call=lab.last_call())
    assert raws(again.claims) == raws(first.claims) == [refs[0].raw]
    assert list(again.awaited) == [BILL]
    lab.store.act(Verb.CANCEL, "mail", raws(refs[1:]), "both")
    assert list(lab.exchange(want=1, serve=[BILL], call=lab.last_call()).awaited) == []


def run_now(lab: Lab, ref):
    lab.act(Verb.RETRY, ref)


def cancel(lab: Lab, ref):
    lab.act(Verb.CANCEL, ref)


def purge(lab: Lab, ref):
    assert lab.store.purge("mail", State.HELD, lab.now + 1, 5) == 1


def withdraw(lab: Lab, ref):
    assert lab.store.withdraw("mail", [(ref.raw, State.HELD, lab.read(ref).score)]) == 1


@pytest.mark.parametrize("leave", [run_now, cancel, purge, withdraw])
def test_nobody_is_awaited_for_a_job_that_has_gone(lab: Lab, leave):
    [ref] = held(lab)
    leave(lab, ref)
    assert list(lab.exchange().awaited) == []
    assert lab.gate(task_gate(BILL)) is None


@covers("retry", State.HELD)
def test_run_now_by_hand_is_pending_as_of_now(lab: Lab):
    [ref] = held(lab)
    lab.clock.move(50)
    assert lab.act(Verb.RETRY, ref).after is State.PENDING
    [claim] = lab.claim(1)
    assert (claim.raw, claim.ready_ms) == (ref.raw, lab.now)


def test_who_waits_for_a_task_gives_the_slot_of_its_own_gate_back(lab: Lab):
    gate = Gate("limit:ann", limit=1)
    [first] = held(lab, gate=gate)
    second = lab.enqueue(gate=gate)
    assert lab.at_gate(gate.name) == (0, 0)
    [claim] = lab.claim(5)
    assert claim.raw == second.raw
    assert lab.claim(5, serve=[BILL]) == []
    assert (lab.read(first).held_at, lab.at_gate(gate.name)) == (gate.name, (1, 1))
    assert raws(lab.settle(claim, State.COMPLETED, want=5).claims) == [first.raw]


def test_who_waits_for_a_task_and_is_run_now_by_hand_passes_its_own_gate(lab: Lab):
    gate = Gate("limit:ann", limit=1)
    [first] = held(lab, gate=gate)
    running = lab.start(gate=gate)
    lab.act(Verb.RETRY, first)
    assert lab.at_gate(gate.name) == (2, 0)
    assert raws(lab.claim(5)) == [first.raw]
    assert lab.state(running.ref) is State.RUNNING


def test_a_cancellation_wins_over_waiting_for_a_task(lab: Lab):
    claim = lab.start(task=BILL)
    lab.act(Verb.CANCEL, claim.ref)
    lab.finish(claim, State.HELD, held_at=task_gate(BILL))
    assert (lab.state(claim.ref), lab.read(claim.ref).held_at) == (State.CANCELLED, "")
    assert list(lab.exchange().awaited) == []


def test_waiting_for_a_task_promises_no_time(lab: Lab):
    held(lab)
    assert lab.exchange(want=1).next_due_ms == 0
    lab.clock.move(HOUR_MS)
    assert lab.exchange(want=1).next_due_ms == 0


def test_many_that_wait_for_a_task_are_out_of_the_way(lab: Lab):
    refs = [lab.enqueue(task=BILL) for _ in range(30)]
    waits = {"charge": Charge.RETURNED, "held_at": task_gate(BILL)}
    outcomes = [end(claim, State.HELD, **waits) for claim in lab.claim(30)]
    behind = lab.enqueue()
    assert raws(lab.exchange(*outcomes, want=1).claims) == [behind.raw]
    assert (lab.at_gate(task_gate(BILL)), lab.refs(State.HELD)) == ((0, 30), refs)
