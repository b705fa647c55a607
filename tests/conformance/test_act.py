"""What operators do to jobs: every verb in every state, once by operation, one answer a job."""

import pytest

from core.backends.contract import Acted
from core.model.ident import JobRef
from core.model.job import pending_score
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import HOUR_MS, OTHER_WORKER, Lab
from .matrix import covers, each_state

WAITING = (State.SCHEDULED, State.HELD, State.FAILED)
STOPPABLE = (State.SCHEDULED, State.PENDING, State.HELD, State.FAILED, State.DEAD)
ENDED = (State.COMPLETED, State.CANCELLED)


def assert_refused(lab: Lab, verb: Verb, state: State) -> None:
    """The verb answers a conflict and leaves the job as it was."""
    ref = lab.arrive(state)
    before = lab.read(ref)
    lab.clock.move(3)
    assert lab.act(verb, ref, reason="x") == Acted(ref, applied=False, before=state, after=state)
    assert lab.read(ref) == before


# The table


@each_state("retry", *WAITING)
def test_retry_makes_a_waiting_job_run_now(lab: Lab, state: State):
    ref = lab.arrive(state, priority=6)
    attempts = lab.read(ref).attempts
    lab.clock.move(100)
    assert lab.act(Verb.RETRY, ref) == Acted(ref, applied=True, before=state, after=State.PENDING)
    job = lab.read(ref)
    assert (job.state, job.score) == (State.PENDING, pending_score(6, lab.now))
    assert (job.attempts, job.forgiven, job.due_ms) == (attempts, 0, 0)


@each_state("retry", State.DEAD, State.CANCELLED)
def test_retry_gives_a_job_that_ended_all_its_tries_again(lab: Lab, state: State):
    ref = lab.arrive(state, max_attempts=3)
    lab.clock.move(100)
    assert lab.act(Verb.RETRY, ref) == Acted(ref, applied=True, before=state, after=State.PENDING)
    job = lab.read(ref)
    assert (job.state, job.score, job.finished_ms) == (State.PENDING, pending_score(0, lab.now), 0)
    assert (job.attempts, job.forgiven, job.tries, job.max_attempts) == (1, 1, 0, 3)


@each_state("retry", State.PENDING, State.RUNNING)
def test_retry_of_a_job_on_its_way_is_a_conflict(lab: Lab, state: State):
    assert_refused(lab, Verb.RETRY, state)


@covers("retry", State.COMPLETED)
def test_retry_of_a_completed_job_is_left_to_the_caller_who_makes_a_copy(lab: Lab):
    assert_refused(lab, Verb.RETRY, State.COMPLETED)


@each_state("cancel", *STOPPABLE)
def test_cancel_stops_a_job_that_does_not_run(lab: Lab, state: State):
    ref = lab.arrive(state)
    lab.clock.move(100)
    acted = lab.act(Verb.CANCEL, ref, reason="ordered twice")
    assert acted == Acted(ref, applied=True, before=state, after=State.CANCELLED)
    job = lab.read(ref)
    assert (job.state, job.reason, job.finished_ms) == (State.CANCELLED, "ordered twice", lab.now)


@covers("cancel", State.RUNNING)
def test_cancel_asks_a_running_job_to_stop(lab: Lab):
    claim = lab.start()
    acted = lab.act(Verb.CANCEL, claim.ref)
    assert acted == Acted(claim.ref, applied=True, before=State.RUNNING, after=State.RUNNING)
    assert lab.read(claim.ref).cancel_asked


@each_state("cancel", *ENDED)
def test_cancel_of_a_job_that_ended_is_a_conflict(lab: Lab, state: State):
    assert_refused(lab, Verb.CANCEL, state)


@each_state("discard", *STOPPABLE)
def test_discard_puts_a_job_away_as_cancelled(lab: Lab, state: State):
    ref = lab.arrive(state)
    lab.clock.move(100)
    acted = lab.act(Verb.DISCARD, ref, reason="discarded by ann")
    assert acted == Acted(ref, applied=True, before=state, after=State.CANCELLED)
    job = lab.read(ref)
    assert (job.state, job.reason, job.finished_ms) == (State.CANCELLED, "discarded by ann", lab.now)


@each_state("discard", State.RUNNING, *ENDED)
def test_discard_of_a_job_that_runs_or_ended_is_a_conflict(lab: Lab, state: State):
    assert_refused(lab, Verb.DISCARD, state)


# What follows


@pytest.mark.parametrize("verb", list(Verb))
def test_a_job_that_is_not_there_is_answered_with_no_state(lab: Lab, verb: Verb):
    lab.enqueue()
    ref = JobRef("mail", lab.raw())
    assert lab.act(verb, ref) == Acted(ref, applied=False, before=None, after=None)


def test_a_retried_job_is_claimed_at_once(lab: Lab):
    ref = lab.arrive(State.FAILED)
    lab.act(Verb.RETRY, ref)
    claim = lab.claim_one()
    assert (claim.ref, claim.ready_ms, claim.attempts) == (ref, lab.now, 2)


def test_a_dead_job_that_was_retried_counts_its_tries_from_one(lab: Lab):
    claim = lab.start(max_attempts=2)
    lab.finish(claim, State.FAILED)
    lab.finish(lab.claim_one(), State.DEAD)
    lab.act(Verb.RETRY, claim.ref)
    again = lab.claim_one()
    assert (again.attempts, again.tries, again.max_attempts) == (3, 1, 2)


def test_retrying_a_dead_job_keeps_its_lines_and_its_losses(lab: Lab):
    claim = lab.start()
    [again] = lab.settle(claim, State.PENDING, charge=Charge.LOST, line=b"\x91\x01", want=1).claims
    lab.finish(again, State.DEAD, line=b"\x91\x02")
    lab.act(Verb.RETRY, claim.ref)
    job = lab.read(claim.ref)
    assert (job.lines, job.losses) == ((b"\x91\x01", b"\x91\x02"), 1)


def test_a_retried_job_goes_behind_those_that_wait(lab: Lab):
    dead = lab.arrive(State.DEAD)
    lab.clock.move(10)
    waiting = lab.enqueue()
    lab.clock.move(10)
    lab.act(Verb.RETRY, dead)
    assert [claim.ref for claim in lab.claim(2)] == [waiting, dead]


@covers("cancel", State.PENDING)
def test_a_cancelled_job_is_not_claimed(lab: Lab):
    lab.act(Verb.CANCEL, lab.enqueue())
    assert lab.claim(10) == []


def test_a_cancelled_scheduled_job_does_not_come_due(lab: Lab):
    ref = lab.enqueue(delay_ms=10)
    lab.act(Verb.CANCEL, ref)
    lab.clock.move(HOUR_MS)
    assert lab.exchange(want=1).next_due_ms == 0
    assert lab.state(ref) is State.CANCELLED


def test_a_discarded_dead_job_comes_back_by_retry(lab: Lab):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.DISCARD, ref)
    assert lab.act(Verb.RETRY, ref).after is State.PENDING


def test_asking_to_stop_leaves_claim_and_lease_as_they_are(lab: Lab):
    claim = lab.start()
    before = lab.read(claim.ref)
    lab.act(Verb.CANCEL, claim.ref)
    after = lab.read(claim.ref)
    assert (after.token, after.lease_until_ms, after.worker) == (
        before.token,
        before.lease_until_ms,
        before.worker,
    )


def test_operators_do_not_count_as_processing(lab: Lab):
    for state in (State.SCHEDULED, State.PENDING, State.HELD):
        lab.act(Verb.CANCEL, lab.arrive(state))
    assert (lab.count(State.CANCELLED), lab.counts().processed) == (3, 0)


def test_a_verb_acts_in_the_queue_it_names(lab: Lab):
    ref = lab.enqueue(queue="bills")
    lab.enqueue(queue="mail", raw=ref.raw)
    lab.store.act(Verb.CANCEL, "mail", [ref.raw], "op")
    assert lab.state(ref) is State.PENDING


# Many at once


def test_answers_come_in_the_order_of_the_ids(lab: Lab):
    pending, running, dead = (lab.arrive(state) for state in (State.PENDING, State.RUNNING, State.DEAD))
    missing = JobRef("mail", lab.raw())
    refs = [dead, missing, running, pending]
    acted = lab.store.act(Verb.DISCARD, "mail", [ref.raw for ref in refs], "op")
    assert [one.ref for one in acted] == refs
    assert [one.applied for one in acted] == [True, False, False, True]


def test_acting_on_none_answers_nothing(lab: Lab):
    assert list(lab.store.act(Verb.RETRY, "mail", [], "op")) == []


def test_hundreds_are_acted_on_in_one_call(lab: Lab):
    jobs = [lab.job() for _ in range(500)]
    lab.store.enqueue(jobs)
    acted = lab.store.act(Verb.CANCEL, "mail", [job.raw for job in jobs], "op")
    assert {one.after for one in acted} == {State.CANCELLED}
    assert lab.count(State.CANCELLED) == 500


def test_the_same_id_twice_in_one_call_is_acted_on_once(lab: Lab):
    ref = lab.arrive(State.DEAD)
    acted = lab.store.act(Verb.RETRY, "mail", [ref.raw, ref.raw], "op")
    assert [one.applied for one in acted] == [True, True]
    assert lab.count(State.PENDING) == 1


# The same operation again


def test_the_same_retry_again_says_applied_and_does_nothing(lab: Lab):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.RETRY, ref, operation="op")
    lab.finish(lab.claim_one(), State.DEAD)
    assert lab.act(Verb.RETRY, ref, operation="op").applied
    assert lab.state(ref) is State.DEAD


def test_the_same_cancel_again_says_applied(lab: Lab):
    ref = lab.enqueue()
    lab.act(Verb.CANCEL, ref, operation="op", reason="first")
    lab.clock.move(10)
    finished_ms = lab.read(ref).finished_ms
    assert lab.act(Verb.CANCEL, ref, operation="op", reason="again").applied
    assert (lab.read(ref).finished_ms, lab.read(ref).reason) == (finished_ms, "first")


def test_the_same_discard_again_leaves_a_job_alone_that_was_brought_back(lab: Lab):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.DISCARD, ref, operation="op")
    lab.act(Verb.DISCARD, ref, operation="op")
    assert lab.state(ref) is State.CANCELLED
    assert lab.act(Verb.RETRY, ref, operation="undo").applied
    assert lab.state(ref) is State.PENDING


def test_the_same_request_to_stop_again_does_not_stop_the_next_attempt(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref, operation="op")
    lab.finish(claim, State.DEAD)
    lab.act(Verb.RETRY, claim.ref, operation="another")
    again = lab.claim_one()
    lab.act(Verb.CANCEL, again.ref, operation="third")
    lab.finish(again, State.DEAD)
    assert lab.act(Verb.CANCEL, again.ref, operation="third").applied
    assert lab.state(again.ref) is State.DEAD


def test_an_operation_repeated_after_a_claim_does_not_call_the_job_back(lab: Lab):
    ref = lab.arrive(State.FAILED)
    lab.act(Verb.RETRY, ref, operation="op")
    claim = lab.claim_one()
    assert lab.act(Verb.RETRY, ref, operation="op").applied
    assert lab.read(ref).token == claim.token


def test_a_new_operation_acts_again(lab: Lab):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.RETRY, ref, operation="one")
    lab.finish(lab.claim_one(), State.DEAD)
    assert lab.act(Verb.RETRY, ref, operation="two").after is State.PENDING


def test_an_operation_sent_again_after_others_does_not_act_again(lab: Lab):
    ref = lab.enqueue()
    lab.act(Verb.CANCEL, ref, operation="first")
    lab.act(Verb.RETRY, ref, operation="second")
    lab.act(Verb.CANCEL, ref, operation="third")
    lab.act(Verb.RETRY, ref, operation="fourth")
    before = lab.read(ref)
    lab.clock.move(10)
    for name in ("first", "third"):
        assert lab.act(Verb.CANCEL, ref, operation=name) == Acted(
            ref, applied=True, before=State.PENDING, after=State.PENDING
        )
    assert lab.read(ref) == before


def test_operations_beyond_the_newest_four_are_forgotten(lab: Lab):
    ref = lab.enqueue()
    for number in range(1, 9):
        lab.act(Verb.CANCEL if number % 2 else Verb.RETRY, ref, operation=f"{number:064}")
    assert lab.act(Verb.CANCEL, ref, operation=f"{5:064}").after is State.PENDING, "the fourth newest is known"
    assert lab.act(Verb.CANCEL, ref, operation=f"{3:064}").after is State.CANCELLED


def test_operations_outlive_a_claim_and_its_settle(lab: Lab):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.RETRY, ref, operation="first")
    claim = lab.claim_one()
    lab.act(Verb.CANCEL, ref, operation="second")
    lab.finish(claim, State.FAILED, delay_ms=HOUR_MS)
    assert lab.state(ref) is State.CANCELLED
    lab.act(Verb.RETRY, ref, operation="third")
    for name in ("first", "second"):
        assert lab.act(Verb.CANCEL, ref, operation=name).after is State.PENDING


def test_an_operation_is_not_taken_for_a_part_of_another(lab: Lab):
    ref = lab.enqueue()
    lab.act(Verb.CANCEL, ref, operation="abc-def")
    lab.act(Verb.RETRY, ref, operation="x%+y")
    assert lab.act(Verb.CANCEL, ref, operation="abc").after is State.CANCELLED
    assert lab.act(Verb.RETRY, ref, operation="x").after is State.PENDING


def test_an_operation_that_was_refused_may_be_sent_again(lab: Lab):
    claim = lab.start()
    assert not lab.act(Verb.RETRY, claim.ref, operation="op").applied
    lab.finish(claim, State.DEAD)
    assert lab.act(Verb.RETRY, claim.ref, operation="op").after is State.PENDING


def test_one_operation_over_two_calls_acts_on_every_job_once(lab: Lab):
    refs = [lab.arrive(State.DEAD) for _ in range(4)]
    lab.store.act(Verb.RETRY, "mail", [ref.raw for ref in refs[:2]], "bulk")
    acted = lab.store.act(Verb.RETRY, "mail", [ref.raw for ref in refs], "bulk")
    assert {one.applied for one in acted} == {True}
    assert lab.count(State.PENDING) == 4


def test_an_operation_name_of_full_length_is_told_from_its_neighbour(lab: Lab):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.RETRY, ref, operation="o" * 63 + "1")
    lab.finish(lab.claim_one(), State.DEAD)
    assert lab.act(Verb.RETRY, ref, operation="o" * 63 + "2").after is State.PENDING


def test_the_other_connection_knows_the_operation(lab: Lab, meet):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.RETRY, ref, operation="op")
    lab.finish(lab.claim_one(), State.DEAD)
    other = Lab(meet(), lab.clock)
    assert other.act(Verb.RETRY, ref, operation="op").applied
    assert lab.state(ref) is State.DEAD


# Races between an operator and a worker, in each order


def test_a_settle_before_the_cancel_wins(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED)
    assert not lab.act(Verb.CANCEL, claim.ref).applied
    assert lab.state(claim.ref) is State.COMPLETED


def test_a_cancel_before_the_claim_wins(lab: Lab):
    ref = lab.enqueue()
    lab.act(Verb.CANCEL, ref)
    assert lab.claim(1, worker=OTHER_WORKER) == []


def test_a_discard_after_the_claim_loses(lab: Lab):
    claim = lab.start()
    assert not lab.act(Verb.DISCARD, claim.ref).applied
    assert lab.settle(claim, State.COMPLETED).refused == []


def test_a_job_asked_to_stop_twice_is_told_once(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    assert lab.act(Verb.CANCEL, claim.ref).applied
    assert list(lab.exchange().asked_to_cancel) == [claim.raw]
