"""Unique keys: one live job a key and queue, given back where the job ends."""

from core.model.states import FINAL, State, Verb

from .lab import HOUR_MS, Lab, end
from .matrix import covers, each_state

KEY = "welcome:7"
LIVE = [state for state in State if state not in FINAL]
ENDED = sorted(FINAL)


@each_state("unique", *LIVE)
def test_a_key_held_by_a_live_job_answers_that_job(lab: Lab, state: State):
    holder = lab.arrive(state, unique_key=KEY)
    receipt = lab.offer(unique_key=KEY)
    assert (receipt.ref, receipt.created) == (holder, False)


@each_state("unique", *ENDED)
def test_a_job_that_ended_gives_its_key_back(lab: Lab, state: State):
    lab.arrive(state, unique_key=KEY)
    assert lab.offer(unique_key=KEY).created


def test_the_job_that_was_refused_is_not_stored(lab: Lab):
    lab.enqueue(unique_key=KEY)
    refused = lab.job(unique_key=KEY)
    lab.store.enqueue([refused])
    assert lab.look(refused.ref) is None


def test_other_keys_are_free(lab: Lab):
    lab.enqueue(unique_key=KEY)
    assert lab.offer(unique_key="welcome:8").created


def test_a_key_holds_within_one_queue(lab: Lab):
    lab.enqueue(queue="a", unique_key=KEY)
    assert lab.offer(queue="b", unique_key=KEY).created


def test_jobs_without_a_key_do_not_exclude_each_other(lab: Lab):
    lab.enqueue()
    assert lab.offer().created


def test_a_key_given_twice_in_one_batch_goes_to_the_first(lab: Lab):
    first, second = lab.job(unique_key=KEY), lab.job(unique_key=KEY)
    receipts = lab.store.enqueue([first, second])
    assert [(receipt.ref, receipt.created) for receipt in receipts] == [(first.ref, True), (first.ref, False)]


def test_a_known_id_is_answered_before_its_key_is_looked_at(lab: Lab):
    lab.enqueue(unique_key=KEY)
    known = lab.enqueue()
    receipt = lab.offer(raw=known.raw, unique_key=KEY)
    assert (receipt.ref, receipt.created) == (known, False)


def test_a_known_id_sent_again_with_another_key_does_not_take_that_key(lab: Lab):
    known = lab.enqueue()
    lab.offer(raw=known.raw, unique_key=KEY)
    assert lab.offer(unique_key=KEY).created


def test_a_finished_id_sent_again_does_not_take_its_key_back(lab: Lab):
    done = lab.arrive(State.COMPLETED, unique_key=KEY)
    assert not lab.offer(raw=done.raw, unique_key=KEY).created
    assert lab.offer(unique_key=KEY).created


def test_a_key_is_kept_while_its_job_waits_for_a_retry_and_runs_again(lab: Lab):
    claim = lab.start(unique_key=KEY)
    lab.finish(claim, State.FAILED, delay_ms=1_000)
    lab.clock.move(1_000)
    again = lab.claim_one()
    assert again.raw == claim.raw
    assert lab.offer(unique_key=KEY).ref == claim.ref


def test_a_key_is_free_for_the_follow_up_of_the_job_that_held_it(lab: Lab):
    claim = lab.start(unique_key=KEY)
    follow_up = lab.job(unique_key=KEY)
    lab.finish(claim, State.COMPLETED, then=(follow_up,))
    assert lab.state(follow_up.ref) is State.PENDING
    assert lab.offer(unique_key=KEY).ref == follow_up.ref


def test_purging_a_live_job_frees_its_key(lab: Lab):
    lab.enqueue(unique_key=KEY)
    assert lab.store.purge("mail", State.PENDING, lab.now + 1, 10) == 1
    assert lab.offer(unique_key=KEY).created


def test_deleting_a_finished_job_leaves_the_key_with_its_new_holder(lab: Lab):
    lab.arrive(State.COMPLETED, unique_key=KEY)
    holder = lab.enqueue(unique_key=KEY)
    lab.clock.move(1)
    assert lab.store.purge("mail", State.COMPLETED, lab.now, 10) == 1
    assert lab.offer(unique_key=KEY).ref == holder


def test_a_late_settle_does_not_free_the_key_of_its_successor(lab: Lab):
    claim = lab.outlived(State.CANCELLED, unique_key=KEY)
    holder = lab.enqueue(unique_key=KEY)
    assert lab.settle(claim, State.COMPLETED).refused == [claim.raw]
    assert lab.offer(unique_key=KEY).ref == holder


@covers("retry", State.DEAD)
def test_retrying_a_dead_job_takes_its_key_again(lab: Lab):
    dead = lab.arrive(State.DEAD, unique_key=KEY)
    assert lab.act(Verb.RETRY, dead).applied
    assert lab.offer(unique_key=KEY).ref == dead


@covers("retry", State.DEAD)
def test_retrying_a_dead_job_whose_key_is_taken_is_a_conflict(lab: Lab):
    dead = lab.arrive(State.DEAD, unique_key=KEY)
    holder = lab.enqueue(unique_key=KEY)
    acted = lab.act(Verb.RETRY, dead)
    assert (acted.applied, acted.before, acted.after) == (False, State.DEAD, State.DEAD)
    assert lab.offer(unique_key=KEY).ref == holder


@covers("retry", State.CANCELLED)
def test_retrying_a_cancelled_job_whose_key_is_taken_is_a_conflict(lab: Lab):
    stopped = lab.arrive(State.CANCELLED, unique_key=KEY)
    lab.enqueue(unique_key=KEY, delay_ms=HOUR_MS)
    assert not lab.act(Verb.RETRY, stopped).applied
    assert lab.state(stopped) is State.CANCELLED


def test_retrying_two_dead_jobs_of_one_key_brings_back_one(lab: Lab):
    dead = [lab.arrive(State.DEAD, unique_key=KEY) for _ in range(2)]
    acted = lab.store.act(Verb.RETRY, "mail", [ref.raw for ref in dead], "both")
    assert [one.applied for one in acted] == [True, False]


@covers("discard", State.DEAD)
def test_discarding_a_dead_job_leaves_the_key_with_its_new_holder(lab: Lab):
    dead = lab.arrive(State.DEAD, unique_key=KEY)
    holder = lab.enqueue(unique_key=KEY)
    assert lab.act(Verb.DISCARD, dead).applied
    assert lab.offer(unique_key=KEY).ref == holder


def test_cancelling_a_pending_job_frees_its_key(lab: Lab):
    lab.act(Verb.CANCEL, lab.enqueue(unique_key=KEY))
    assert lab.offer(unique_key=KEY).created


def test_a_key_freed_and_taken_in_one_exchange_has_one_holder(lab: Lab):
    claim = lab.start(unique_key=KEY)
    first, second = lab.job(unique_key=KEY), lab.job(unique_key=KEY)
    lab.exchange(end(claim, State.COMPLETED, then=(first, second)))
    assert lab.look(second.ref) is None
    assert lab.offer(unique_key=KEY).ref == first.ref
