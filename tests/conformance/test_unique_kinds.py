"""How long a job has its unique key: until it is finished, while it is pending, or for a time."""

import pytest

from core.model.job import Unique
from core.model.outcome import Charge
from core.model.retention import Keep, Retention
from core.model.states import FINAL, State, Verb

from .lab import HOUR_MS, LEASE_MS, Lab, end, keys
from .matrix import covers, each_state

KEY = "report:7"
TIME_MS = 5_000
PENDING = {"unique_key": KEY, "unique": Unique.WHILE_PENDING}
TIMED = {"unique_key": KEY, "unique": Unique.FOR_A_TIME, "unique_ms": TIME_MS}
WAITS = (State.PENDING, State.SCHEDULED)


def test_a_job_shows_its_key_and_how_long_it_has_it(lab: Lab):
    plain, finished = lab.enqueue(), lab.enqueue(unique_key="a")
    pending, timed = lab.enqueue(**PENDING), lab.enqueue(**{**TIMED, "unique_key": "b"})
    shown = [(job.unique_key, job.unique, job.unique_until_ms) for job in lab.store.get([plain, finished, pending])]
    assert shown == [
        ("", Unique.UNTIL_FINISHED, 0),
        ("a", Unique.UNTIL_FINISHED, 0),
        (KEY, Unique.WHILE_PENDING, 0),
    ]
    job = lab.read(timed)
    assert (job.unique, job.unique_until_ms) == (Unique.FOR_A_TIME, lab.now + TIME_MS)
    assert [row.unique_until_ms for row in lab.page(State.PENDING).jobs] == [0, 0, 0, lab.now + TIME_MS]


# While pending


@each_state("unique", *WAITS)
def test_a_key_for_pending_jobs_is_taken_before_the_first_claim(lab: Lab, state: State):
    holder = lab.arrive(state, **PENDING)
    receipt = lab.offer(**PENDING)
    assert (receipt.ref, receipt.created) == (holder, False)


@each_state("unique", *(state for state in State if state not in WAITS))
def test_a_key_for_pending_jobs_is_free_once_its_job_was_claimed(lab: Lab, state: State):
    lab.arrive(state, **PENDING)
    receipt = lab.offer(**PENDING)
    assert receipt.created
    assert lab.offer(**PENDING).ref == receipt.ref


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.DISCARD])
def test_a_key_for_pending_jobs_is_free_when_its_job_ends_unclaimed(lab: Lab, verb: Verb):
    lab.act(verb, lab.enqueue(**PENDING))
    assert lab.offer(**PENDING).created


def test_a_key_for_pending_jobs_is_free_when_its_job_is_deleted(lab: Lab):
    lab.enqueue(**PENDING)
    assert lab.store.purge("mail", State.PENDING, lab.now + 1, 1) == 1
    assert lab.offer(**PENDING).created


def test_a_key_for_pending_jobs_stays_free_when_its_job_comes_back(lab: Lab):
    """Given back, snoozed or tried again, it was claimed once."""
    claim = lab.start(**PENDING)
    lab.store.release("mail", keys([claim]))
    assert lab.read(claim.ref).attempts == 0
    receipt = lab.offer(**PENDING)
    assert receipt.created
    lab.act(Verb.CANCEL, receipt.ref)
    [again] = lab.claim(1)
    lab.finish(again, State.FAILED, delay_ms=HOUR_MS)
    assert lab.offer(**PENDING).created


def test_who_comes_back_does_not_free_the_key_of_its_successor(lab: Lab):
    claim = lab.start(**PENDING)
    successor = lab.enqueue(**PENDING)
    lab.finish(claim, State.COMPLETED)
    assert lab.offer(**PENDING).ref == successor


def test_a_scheduled_job_keeps_its_key_when_it_becomes_due(lab: Lab):
    holder = lab.enqueue(delay_ms=10, **PENDING)
    lab.clock.move(10)
    lab.exchange()
    assert lab.state(holder) is State.PENDING
    assert lab.offer(**PENDING).ref == holder


@covers("retry", State.SCHEDULED)
def test_running_a_scheduled_job_now_leaves_its_key_with_it(lab: Lab):
    holder = lab.enqueue(delay_ms=HOUR_MS, **PENDING)
    lab.act(Verb.RETRY, holder)
    assert lab.offer(**PENDING).ref == holder


@covers("retry", State.FAILED)
def test_running_a_failed_job_now_does_not_ask_for_its_key(lab: Lab):
    failed = lab.arrive(State.FAILED, **PENDING)
    holder = lab.enqueue(**PENDING)
    assert lab.act(Verb.RETRY, failed).applied
    assert lab.offer(**PENDING).ref == holder


@covers("retry", State.DEAD, State.CANCELLED)
@pytest.mark.parametrize("state", [State.DEAD, State.CANCELLED])
def test_retrying_a_finished_job_takes_its_key_until_it_is_claimed(lab: Lab, state: State):
    ref = lab.arrive(state, **PENDING)
    assert lab.act(Verb.RETRY, ref).applied
    assert lab.offer(**PENDING).ref == ref
    [claim] = lab.claim(1)
    assert claim.ref == ref
    assert lab.offer(**PENDING).created


@covers("retry", State.DEAD)
def test_retrying_a_finished_job_is_refused_while_another_is_pending_under_its_key(lab: Lab):
    dead = lab.arrive(State.DEAD, **PENDING)
    holder = lab.enqueue(**PENDING)
    assert not lab.act(Verb.RETRY, dead).applied
    [claim] = lab.claim(1)
    assert claim.ref == holder
    assert lab.act(Verb.RETRY, dead).applied


# For a time


@each_state("unique")
def test_a_key_for_a_time_is_its_jobs_wherever_that_job_goes(lab: Lab, state: State):
    holder = lab.arrive(state, **TIMED)
    lab.clock.move(TIME_MS - 1)
    receipt = lab.offer(**TIMED)
    assert (receipt.ref, receipt.created) == (holder, False)
    assert lab.look(holder) is not None


@each_state("unique")
def test_a_key_for_a_time_is_free_when_the_time_is_over(lab: Lab, state: State):
    """Even while its job is still there, and running."""
    lab.arrive(state, **TIMED)
    lab.clock.move(TIME_MS)
    receipt = lab.offer(**TIMED)
    assert receipt.created
    assert lab.offer(**TIMED).ref == receipt.ref


@covers("purge", State.COMPLETED)
def test_a_key_for_a_time_answers_for_a_job_that_was_deleted(lab: Lab):
    holder = lab.arrive(State.COMPLETED, **TIMED)
    lab.clock.move(1)
    assert lab.store.purge("mail", State.COMPLETED, lab.now, 1) == 1
    assert lab.offer(**TIMED).ref == holder
    assert lab.look(holder) is None
    lab.clock.move(TIME_MS - 1)
    assert lab.offer(**TIMED).created


def test_a_key_for_a_time_answers_for_a_job_that_retention_did_not_keep(lab: Lab):
    first = lab.arrive(State.COMPLETED, **TIMED)
    for _ in range(3):
        lab.arrive(State.COMPLETED)
    keep = Retention(completed=Keep(1, Retention().completed.age))
    while lab.store.trim("mail", keep, 100):
        pass
    assert lab.look(first) is None
    assert lab.offer(**TIMED).ref == first


@covers("trim")
def test_a_janitor_takes_no_key_before_its_time(lab: Lab):
    holder = lab.enqueue(**TIMED)
    lab.clock.move(TIME_MS - 1)
    lab.store.trim("mail", Retention(), 100)
    assert lab.offer(**TIMED).ref == holder
    lab.clock.move(1)
    lab.store.trim("mail", Retention(), 100)
    receipt = lab.offer(**TIMED)
    assert receipt.created
    lab.store.trim("mail", Retention(), 100)
    assert lab.offer(**TIMED).ref == receipt.ref


def test_a_janitor_leaves_keys_that_are_not_for_a_time(lab: Lab):
    live = lab.enqueue(unique_key="a")
    pending = lab.enqueue(delay_ms=10 * HOUR_MS, **PENDING)
    lab.clock.move(9 * HOUR_MS)
    lab.store.trim("mail", Retention(), 100)
    assert lab.offer(unique_key="a").ref == live
    assert lab.offer(**PENDING).ref == pending


def test_the_time_of_a_key_counts_from_when_its_job_came_in(lab: Lab):
    """Not from when it is due."""
    lab.enqueue(delay_ms=HOUR_MS, **TIMED)
    lab.clock.move(TIME_MS)
    assert lab.offer(**TIMED).created


@covers("retry", State.DEAD)
def test_retrying_a_finished_job_neither_asks_for_its_key_for_a_time_nor_renews_it(lab: Lab):
    dead = lab.arrive(State.DEAD, **TIMED)
    lab.clock.move(TIME_MS)
    holder = lab.enqueue(**TIMED)
    assert lab.act(Verb.RETRY, dead).applied
    assert lab.offer(**TIMED).ref == holder
    lab.clock.move(TIME_MS)
    assert lab.offer(**TIMED).created


def test_who_lost_its_key_for_a_time_does_not_free_its_successors(lab: Lab):
    claim = lab.start(**TIMED)
    lab.clock.move(TIME_MS)
    successor = lab.enqueue(unique_key=KEY)
    lab.finish(claim, State.COMPLETED)
    lab.clock.move(1)
    assert lab.store.purge("mail", State.COMPLETED, lab.now, 5) == 1
    assert lab.offer(unique_key=KEY).ref == successor


# Kinds beside each other


@pytest.mark.parametrize("asked", [{"unique_key": KEY}, PENDING, TIMED], ids=["finished", "pending", "timed"])
@pytest.mark.parametrize("kept", [{"unique_key": KEY}, PENDING, TIMED], ids=["finished", "pending", "timed"])
def test_a_key_is_taken_whichever_kind_asks(lab: Lab, kept: dict, asked: dict):
    holder = lab.enqueue(**kept)
    receipt = lab.offer(**asked)
    assert (receipt.ref, receipt.created) == (holder, False)


def test_the_kind_of_a_new_holder_counts_not_that_of_the_old_one(lab: Lab):
    lab.finish(lab.start(**PENDING), State.COMPLETED)
    holder = lab.enqueue(unique_key=KEY)
    assert [claim.ref for claim in lab.claim(1)] == [holder]
    assert lab.offer(**PENDING).ref == holder


def test_a_known_id_sent_again_takes_no_key_for_a_time(lab: Lab):
    known = lab.enqueue()
    assert lab.offer(raw=known.raw, **TIMED).ref == known
    assert lab.offer(**TIMED).created


def test_a_follow_up_takes_its_key_for_a_time(lab: Lab):
    claim = lab.start()
    follow_up = lab.job(**TIMED)
    lab.exchange(end(claim, State.COMPLETED, then=(follow_up,)))
    assert lab.offer(**TIMED).ref == follow_up.ref
    lab.clock.move(TIME_MS)
    assert lab.offer(**TIMED).created


def test_a_lost_job_does_not_take_its_key_for_pending_jobs_back(lab: Lab):
    lab.start(**PENDING)
    lab.pass_time(2 * LEASE_MS)
    successor = lab.enqueue(**PENDING)
    [lost] = lab.store.rescue("mail", 5, LEASE_MS).claims
    lab.finish(lost, State.PENDING, charge=Charge.LOST, if_expired=True)
    assert lab.offer(**PENDING).ref == successor


def test_live_and_final_states_are_all_of_them():
    """The kinds above are shown over every state; a new one would need a thought."""
    assert {*WAITS, State.HELD, State.RUNNING, State.FAILED, *FINAL} == set(State)
