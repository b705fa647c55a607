"""A paused queue: nothing is handed out, everything else goes on."""

from core.model.states import State, Verb

from .lab import LEASE_MS, Lab, keys
from .matrix import covers, each_state


@covers("pause", State.PENDING)
def test_a_paused_queue_hands_out_nothing(lab: Lab):
    ref = lab.enqueue()
    lab.store.pause("mail", "maintenance")
    assert lab.claim(10) == []
    assert lab.state(ref) is State.PENDING


@each_state("pause")
def test_pausing_and_resuming_leaves_jobs_as_they_are(lab: Lab, state: State):
    ref = lab.arrive(state)
    before = lab.read(ref)
    lab.store.pause("mail", "maintenance")
    assert lab.read(ref) == before
    lab.store.resume("mail")
    assert lab.read(ref) == before


def test_a_worker_is_told_that_the_queue_is_paused(lab: Lab):
    lab.store.pause("mail", "maintenance")
    assert lab.exchange(want=1).is_paused


def test_a_worker_is_told_that_the_queue_is_not_paused(lab: Lab):
    assert not lab.exchange(want=1).is_paused


@covers("pause", State.RUNNING)
def test_what_runs_is_settled_while_the_queue_is_paused(lab: Lab):
    claim = lab.start()
    lab.store.pause("mail", "maintenance")
    lab.finish(claim, State.COMPLETED)
    assert lab.state(claim.ref) is State.COMPLETED


def test_what_runs_is_renewed_and_released_while_the_queue_is_paused(lab: Lab):
    claim = lab.start()
    lab.store.pause("mail", "maintenance")
    assert lab.store.renew("mail", keys([claim]), LEASE_MS) == []
    assert lab.store.release("mail", keys([claim])) == 1


def test_a_settle_in_a_paused_queue_claims_no_successor(lab: Lab):
    claim = lab.start()
    lab.enqueue()
    lab.store.pause("mail", "maintenance")
    assert list(lab.settle(claim, State.COMPLETED, want=5).claims) == []


@covers("pause", State.SCHEDULED)
def test_jobs_come_due_in_a_paused_queue_and_wait_there(lab: Lab):
    ref = lab.enqueue(delay_ms=10)
    lab.store.pause("mail", "maintenance")
    lab.clock.move(10)
    assert lab.claim(1) == []
    lab.store.resume("mail")
    assert lab.claim_one().ref == ref


def test_a_resumed_queue_hands_out_again_in_the_old_order(lab: Lab):
    refs = [lab.enqueue() for _ in range(2)]
    lab.store.pause("mail", "maintenance")
    lab.store.resume("mail")
    assert [claim.ref for claim in lab.claim(2)] == refs


def test_operators_act_in_a_paused_queue(lab: Lab):
    ref = lab.arrive(State.DEAD)
    lab.store.pause("mail", "maintenance")
    assert lab.act(Verb.RETRY, ref).after is State.PENDING


def test_other_queues_go_on(lab: Lab):
    ref = lab.enqueue(queue="bills")
    lab.store.pause("mail", "maintenance")
    assert lab.claim_one(queue="bills").ref == ref


def test_counts_tell_since_when_and_why_a_queue_is_paused(lab: Lab):
    lab.enqueue()
    lab.clock.move(5)
    lab.store.pause("mail", "maintenance")
    counts = lab.counts()
    assert (counts.is_paused, counts.paused_reason, counts.paused_ms) == (True, "maintenance", lab.now)


def test_counts_of_a_resumed_queue_tell_nothing_of_the_pause(lab: Lab):
    lab.enqueue()
    lab.store.pause("mail", "maintenance")
    lab.store.resume("mail")
    counts = lab.counts()
    assert (counts.is_paused, counts.paused_reason, counts.paused_ms) == (False, "", 0)


def test_pausing_again_keeps_the_time_of_the_first_pause_and_takes_the_new_reason(lab: Lab):
    lab.store.pause("mail", "maintenance")
    since_ms = lab.now
    lab.clock.move(1_000)
    lab.store.pause("mail", "still broken")
    assert (lab.counts().paused_ms, lab.counts().paused_reason) == (since_ms, "still broken")


def test_a_pause_needs_no_reason(lab: Lab):
    lab.enqueue()
    lab.store.pause("mail", "")
    assert lab.counts().is_paused
    assert lab.claim(1) == []


def test_a_queue_without_jobs_can_be_paused_beforehand(lab: Lab):
    lab.store.pause("mail", "not yet")
    lab.enqueue()
    assert lab.claim(1) == []


def test_resuming_a_queue_that_was_not_paused_changes_nothing(lab: Lab):
    ref = lab.enqueue()
    lab.store.resume("mail")
    assert lab.claim_one().ref == ref


def test_a_pause_reaches_workers_on_other_connections(lab: Lab, meet):
    lab.enqueue()
    lab.store.pause("mail", "maintenance")
    assert Lab(meet(), lab.clock).claim(1) == []
