"""A call sent again after a lost reply gets the same answer and does nothing twice."""

from core.model.states import State, Verb

from .lab import OTHER_WORKER, Lab, end
from .matrix import covers, each_state


@covers("replay", State.RUNNING, State.PENDING)
def test_the_same_call_again_hands_out_the_same_claims(lab: Lab):
    for _ in range(3):
        lab.enqueue()
    first = lab.exchange(want=2)
    again = lab.exchange(want=2, call=lab.last_call())
    assert len(first.claims) == 2
    assert again.claims == first.claims
    assert lab.count(State.PENDING) == 1


@each_state("replay", *(state for state in State if state is not State.RUNNING))
def test_the_same_call_again_settles_nothing_twice(lab: Lab, state: State):
    claim = lab.start()
    outcome = end(claim, state, delay_ms=5_000, line=b"\x91\x01", result=b"\x01")
    first = lab.exchange(outcome)
    before, counted = lab.read(claim.ref), lab.counts()
    lab.clock.move(10)
    again = lab.exchange(outcome, call=lab.last_call())
    assert (list(first.refused), list(again.refused)) == ([], [])
    assert lab.read(claim.ref) == before
    assert (lab.counts().processed, lab.counts().failures) == (counted.processed, counted.failures)


def test_the_same_call_again_refuses_what_it_refused(lab: Lab):
    stale = lab.outlived(State.DEAD)
    lab.settle(stale, State.COMPLETED)
    assert lab.exchange(end(stale, State.COMPLETED), call=lab.last_call()).refused == [stale.raw]


def test_the_same_call_again_claims_nothing_new(lab: Lab):
    lab.arrive(State.CANCELLED)
    lab.exchange(want=5)
    ref = lab.enqueue()
    assert list(lab.exchange(want=5, call=lab.last_call()).claims) == []
    assert lab.state(ref) is State.PENDING


def test_the_same_call_again_promotes_nothing(lab: Lab):
    ref = lab.enqueue(delay_ms=10)
    lab.exchange()
    lab.clock.move(10)
    lab.exchange(call=lab.last_call())
    assert lab.state(ref) is State.SCHEDULED


def test_claims_of_a_repeated_call_keep_the_leases_they_had(lab: Lab):
    claim = lab.start()
    until_ms = lab.read(claim.ref).lease_until_ms
    lab.clock.move(5_000)
    lab.exchange(want=1, call=lab.last_call())
    job = lab.read(claim.ref)
    assert (job.lease_until_ms, job.attempts) == (until_ms, 1)


def test_a_repeated_call_does_not_hand_out_what_another_worker_has_taken_over(lab: Lab):
    claim = lab.start()
    lab.settle(claim, State.PENDING, worker=OTHER_WORKER)
    [taken] = lab.claim(1, worker=OTHER_WORKER)
    assert taken.raw == claim.raw
    again = lab.exchange(want=1, call=lab.last_call())
    assert [(claim.raw, claim.token) for claim in again.claims if claim.token == taken.token] == []
    assert lab.read(claim.ref).worker == OTHER_WORKER


@covers("replay", State.RUNNING)
def test_a_call_with_a_lower_number_does_nothing_and_answers_nothing(lab: Lab):
    claim, stale = lab.start(), lab.outlived(State.DEAD)
    lab.enqueue()
    newest = lab.settle(stale, State.COMPLETED, want=1)
    waiting = lab.enqueue()
    late = lab.exchange(end(claim, State.COMPLETED), want=5, call=lab.last_call() - 1)
    assert (len(newest.claims), len(newest.refused)) == (1, 1)
    assert (list(late.claims), list(late.refused)) == ([], [])
    assert (lab.state(claim.ref), lab.state(waiting)) == (State.RUNNING, State.PENDING)


def test_a_late_call_does_not_take_the_place_of_the_remembered_one(lab: Lab):
    lab.enqueue()
    first = lab.exchange(want=1)
    lab.exchange(want=1, call=lab.last_call() - 1)
    assert lab.exchange(want=1, call=lab.last_call()).claims == first.claims


def test_numbers_may_leave_gaps(lab: Lab):
    ref = lab.enqueue()
    lab.exchange(call=5)
    [claim] = lab.exchange(call=1_000_000, want=1).claims
    assert claim.ref == ref


def test_numbers_of_two_workers_are_apart(lab: Lab):
    refs = [lab.enqueue() for _ in range(2)]
    claims = [lab.exchange(worker=worker, call=1, want=1).claims[0] for worker in ("a" * 32, "b" * 32)]
    assert [claim.ref for claim in claims] == refs


def test_numbers_of_two_queues_are_apart(lab: Lab):
    refs = [lab.enqueue(queue=queue) for queue in ("bills", "mail")]
    claims = [lab.exchange(queue=queue, call=1, want=1).claims[0] for queue in ("bills", "mail")]
    assert [claim.ref for claim in claims] == refs


def test_the_other_connection_remembers_the_call_too(lab: Lab, meet):
    lab.enqueue()
    lab.enqueue()
    first = lab.exchange(want=1, call=7)
    again = Lab(meet(), lab.clock).exchange(want=1, call=7)
    assert again.claims == first.claims


def test_a_repeated_call_still_tells_what_to_stop(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    assert list(lab.exchange(call=lab.last_call()).asked_to_cancel) == [claim.raw]


def test_follow_ups_of_a_repeated_call_are_stored_once(lab: Lab):
    claim = lab.start()
    outcome = end(claim, State.COMPLETED, then=(lab.job(),))
    lab.exchange(outcome)
    lab.exchange(outcome, call=lab.last_call())
    assert lab.count(State.PENDING) == 1


def test_sums_of_a_repeated_call_are_added_once(lab: Lab):
    lab.arrive(State.CANCELLED)
    lab.exchange(minutes={"shop.send|completed": 3})
    lab.exchange(minutes={"shop.send|completed": 3}, call=lab.last_call())
    assert list(lab.store.minutes("mail", 0).values()) == [{"shop.send|completed": 3}]


def test_a_repeated_call_writes_no_second_journal_entry(lab: Lab):
    claim = lab.start()
    outcome = end(claim, State.FAILED, delay_ms=1, line=b"\x91\x01", stream="failures")
    lab.exchange(outcome)
    lab.exchange(outcome, call=lab.last_call())
    assert len(lab.store.journal("mail", "failures", "", 10)) == 1


def test_a_worker_that_was_forgotten_starts_its_numbers_anew(lab: Lab):
    lab.arrive(State.CANCELLED)
    lab.exchange(call=9)
    lab.store.forget("a" * 32)
    ref = lab.enqueue()
    [claim] = lab.exchange(call=1, want=1).claims
    assert claim.ref == ref
