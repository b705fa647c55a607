"""What an exchange does with outcomes: compare-and-set, moves, charges, counters, kept lines."""

import pytest

from core.model.job import pending_score
from core.model.outcome import Charge
from core.model.states import FINAL, State, Verb

from .lab import OTHER_WORKER, Lab, end, raws
from .matrix import covers, each_state

ENDINGS = [state for state in State if state is not State.RUNNING]
KEPT_LINES = 10


@pytest.mark.parametrize("state", ENDINGS)
@covers("settle", State.RUNNING)
def test_a_settled_job_goes_where_its_outcome_says(lab: Lab, state: State):
    claim = lab.start()
    delay_ms = 1_000 if state in (State.FAILED, State.SCHEDULED) else 0
    assert lab.settle(claim, state, delay_ms=delay_ms).refused == []
    assert lab.state(claim.ref) is state


@each_state("settle")
def test_a_settle_with_an_old_token_is_refused_and_changes_nothing(lab: Lab, state: State):
    claim = lab.outlived(state)
    before = lab.read(claim.ref)
    assert lab.settle(claim, State.COMPLETED, result=b"\xa4late").refused == [claim.raw]
    assert lab.read(claim.ref) == before


def test_a_settled_job_has_left_its_worker(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED)
    job = lab.read(claim.ref)
    assert (job.worker, job.token, job.claimed_ms, job.lease_until_ms) == ("", 0, 0, 0)


def test_a_settle_of_an_unknown_job_is_refused(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED)
    lab.clock.move(1)
    lab.store.purge("mail", State.COMPLETED, lab.now, 1)
    assert lab.settle(claim, State.COMPLETED).refused == [claim.raw]
    assert lab.look(claim.ref) is None


def test_a_settle_with_a_token_never_given_is_refused(lab: Lab):
    claim = lab.start()
    reply = lab.exchange(end(claim, State.COMPLETED, token=claim.token + 1))
    assert reply.refused == [claim.raw]
    assert lab.state(claim.ref) is State.RUNNING


def test_a_settle_sent_to_another_queue_is_refused(lab: Lab):
    claim = lab.start()
    lab.enqueue(queue="bills")
    assert lab.exchange(end(claim, State.COMPLETED), queue="bills").refused == [claim.raw]
    assert lab.state(claim.ref) is State.RUNNING


def test_the_second_settle_of_an_attempt_is_refused(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED, result=b"\x01")
    assert lab.settle(claim, State.DEAD).refused == [claim.raw]
    assert (lab.state(claim.ref), lab.read(claim.ref).result) == (State.COMPLETED, b"\x01")


def test_two_outcomes_of_one_attempt_in_one_batch_count_once(lab: Lab):
    claim = lab.start()
    reply = lab.exchange(end(claim, State.COMPLETED), end(claim, State.DEAD))
    assert reply.refused == [claim.raw]
    assert (lab.state(claim.ref), lab.counts().processed) == (State.COMPLETED, 1)


def test_the_same_outcome_twice_in_one_batch_is_accepted_once_and_refused_once(lab: Lab):
    outcome = end(lab.start(), State.COMPLETED)
    assert lab.exchange(outcome, outcome).refused == [outcome.raw]
    assert lab.counts().processed == 1


def test_a_batch_is_settled_though_some_of_it_is_refused(lab: Lab):
    stale = lab.outlived(State.CANCELLED)
    good = [lab.start(), lab.start()]
    reply = lab.exchange(*(end(claim, State.COMPLETED) for claim in (good[0], stale, good[1])))
    assert reply.refused == [stale.raw]
    assert {lab.state(claim.ref) for claim in good} == {State.COMPLETED}


def test_refusals_come_in_the_order_of_the_outcomes(lab: Lab):
    stale = [lab.outlived(State.DEAD) for _ in range(4)]
    reply = lab.exchange(*(end(claim, State.COMPLETED) for claim in reversed(stale)))
    assert list(reply.refused) == raws(stale)[::-1]


def test_hundreds_are_settled_in_one_call(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(300)])
    assert lab.exchange(*(end(claim, State.COMPLETED) for claim in lab.claim(300))).refused == []
    assert lab.count(State.COMPLETED) == 300


def test_whoever_knows_the_token_may_settle(lab: Lab):
    """A keeper settles for a process that died; a settle is bound to the token, not to the sender."""
    claim = lab.start()
    assert lab.settle(claim, State.FAILED, worker=OTHER_WORKER).refused == []


def test_a_settle_after_the_lease_counts_when_nobody_took_the_job(lab: Lab):
    claim = lab.start()
    lab.pass_time(100_000)
    assert lab.settle(claim, State.COMPLETED).refused == []


def test_settling_frees_a_slot_for_a_claim_in_the_same_call(lab: Lab):
    claim, waiting = lab.start(), lab.enqueue()
    reply = lab.settle(claim, State.COMPLETED, want=5)
    assert [claim.ref for claim in reply.claims] == [waiting]


def test_a_job_sent_back_may_be_claimed_in_the_same_call(lab: Lab):
    claim = lab.start()
    [again] = lab.settle(claim, State.PENDING, want=1).claims
    assert (again.raw, again.attempts) == (claim.raw, 2)


def test_a_retry_without_delay_may_be_claimed_in_the_same_call(lab: Lab):
    claim = lab.start()
    [again] = lab.settle(claim, State.FAILED, want=1).claims
    assert (again.raw, again.attempts, again.ready_ms) == (claim.raw, 2, lab.now)


# Where each ending puts the job


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_state_is_entered_at_the_stores_time(lab: Lab, state: State):
    claim = lab.start()
    lab.clock.move(321)
    lab.finish(claim, state)
    job = lab.read(claim.ref)
    assert (job.finished_ms, job.score) == (lab.now, lab.now)


@pytest.mark.parametrize("state", [State.FAILED, State.SCHEDULED])
def test_a_delayed_ending_is_due_after_its_delay_from_now(lab: Lab, state: State):
    claim = lab.start()
    lab.clock.move(50)
    lab.finish(claim, state, delay_ms=7_000)
    job = lab.read(claim.ref)
    assert (job.due_ms, job.score, job.finished_ms) == (lab.now + 7_000, lab.now + 7_000, 0)


def test_a_held_job_keeps_its_reason_and_the_time_it_was_held(lab: Lab):
    claim = lab.start()
    lab.clock.move(40)
    lab.finish(claim, State.HELD, reason="no worker knows shop.send", charge=Charge.RETURNED)
    job = lab.read(claim.ref)
    assert (job.reason, job.score, job.attempts) == ("no worker knows shop.send", lab.now, 0)


def test_a_job_sent_back_is_ready_as_of_now_with_its_old_priority(lab: Lab):
    claim = lab.start(priority=4)
    lab.clock.move(10)
    waiting = lab.enqueue(priority=4)
    lab.clock.move(10)
    lab.finish(claim, State.PENDING)
    assert lab.read(claim.ref).score == pending_score(4, lab.now)
    assert [claim.ref for claim in lab.claim(2)] == [waiting, claim.ref]


def test_the_reason_of_an_ending_is_kept(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.DEAD, reason="retries used up")
    assert lab.read(claim.ref).reason == "retries used up"


def test_the_reason_is_that_of_the_newest_ending(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.SCHEDULED, reason="shop is closed")
    lab.finish(lab.claim_one(), State.COMPLETED)
    assert lab.read(claim.ref).reason == ""


def test_a_result_is_kept_as_it_was_sent(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED, result=b"\x82\xa1a\x01\xa1b\xc0")
    assert lab.read(claim.ref).result == b"\x82\xa1a\x01\xa1b\xc0"


def test_an_empty_result_is_told_from_none(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED, result=b"")
    assert lab.read(claim.ref).result == b""


def test_a_job_that_completed_without_a_result_has_none(lab: Lab):
    assert lab.read(lab.arrive(State.COMPLETED)).result is None


def test_an_error_is_kept_while_the_job_waits_for_its_retry_and_runs(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.FAILED, error=b"\x93\xa1E\xa1m\xa1t")
    assert lab.read(claim.ref).error == b"\x93\xa1E\xa1m\xa1t"
    lab.claim_one()
    assert lab.read(claim.ref).error == b"\x93\xa1E\xa1m\xa1t"


def test_the_newest_error_replaces_the_older(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.FAILED, error=b"\x93\xa1E\xa1m\xa1t")
    lab.finish(lab.claim_one(), State.DEAD, error=b"\x93\xa1F\xa1n\xa1u")
    assert lab.read(claim.ref).error == b"\x93\xa1F\xa1n\xa1u"


@pytest.mark.parametrize("state", [State.SCHEDULED, State.HELD, State.COMPLETED])
def test_the_last_error_is_kept_when_a_later_attempt_ends_without_one(lab: Lab, state: State):
    claim = lab.start()
    lab.finish(claim, State.FAILED, error=b"\x93\xa1E\xa1m\xa1t")
    lab.finish(lab.claim_one(), state)
    assert lab.read(claim.ref).error == b"\x93\xa1E\xa1m\xa1t"


def test_each_attempt_leaves_its_line_oldest_first(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.FAILED, line=b"\x91\x01")
    lab.finish(lab.claim_one(), State.COMPLETED, line=b"\x91\x02")
    assert lab.read(claim.ref).lines == (b"\x91\x01", b"\x91\x02")


def test_the_newest_ten_lines_are_kept(lab: Lab):
    claim = lab.start()
    for n in range(KEPT_LINES + 3):
        claim = lab.settle(claim, State.FAILED, line=bytes([0x91, n]), want=1).claims[0]
    assert lab.read(claim.ref).lines == tuple(bytes([0x91, n]) for n in range(3, KEPT_LINES + 3))


def test_an_outcome_without_a_line_leaves_none(lab: Lab):
    assert lab.read(lab.arrive(State.FAILED)).lines == ()


# How an attempt counts


def test_a_counted_attempt_counts_against_the_tries(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.FAILED)
    job = lab.read(claim.ref)
    assert (job.attempts, job.forgiven, job.losses, job.tries) == (1, 0, 0, 1)


def test_a_returned_attempt_was_never_made(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.SCHEDULED, charge=Charge.RETURNED)
    job = lab.read(claim.ref)
    assert (job.attempts, job.forgiven, job.losses) == (0, 0, 0)
    assert lab.claim_one().attempts == 1


def test_a_lost_attempt_counts_as_a_loss_and_not_against_the_tries(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.PENDING, charge=Charge.LOST)
    job = lab.read(claim.ref)
    assert (job.attempts, job.forgiven, job.losses, job.tries) == (1, 1, 1, 0)


def test_a_claim_after_a_loss_tells_of_it(lab: Lab):
    claim = lab.start()
    [again] = lab.settle(claim, State.PENDING, charge=Charge.LOST, want=1).claims
    assert (again.attempts, again.forgiven, again.losses, again.tries) == (2, 1, 1, 1)


# A cancellation that was asked for while the job ran


@pytest.mark.parametrize("state", [State.FAILED, State.SCHEDULED, State.PENDING, State.HELD])
@covers("cancel", State.RUNNING)
def test_a_cancelled_attempt_that_would_go_on_ends_cancelled(lab: Lab, state: State):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref, reason="operator")
    lab.finish(claim, state, reason="would go on", delay_ms=1_000)
    job = lab.read(claim.ref)
    assert (job.state, job.reason, job.finished_ms) == (State.CANCELLED, "cancelled while running", lab.now)


@pytest.mark.parametrize("state", [State.COMPLETED, State.DEAD])
@covers("cancel", State.RUNNING)
def test_an_attempt_that_came_to_its_end_beats_the_cancellation(lab: Lab, state: State):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    lab.finish(claim, state)
    assert lab.state(claim.ref) is state


def test_a_handler_that_gave_in_ends_cancelled_with_its_own_reason(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    lab.finish(claim, State.CANCELLED, reason="stopped half way")
    assert (lab.state(claim.ref), lab.read(claim.ref).reason) == (State.CANCELLED, "stopped half way")


def test_a_failure_turned_into_a_cancellation_is_processed_but_no_failure(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    lab.finish(claim, State.FAILED)
    assert (lab.counts().processed, lab.counts().failures) == (1, 0)


def test_the_worker_is_told_with_every_exchange_what_it_should_stop(lab: Lab):
    claim, _ = lab.start(), lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    assert [list(lab.exchange().asked_to_cancel) for _ in range(2)] == [[claim.raw], [claim.raw]]


def test_only_the_worker_that_runs_the_job_is_told_to_stop_it(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    assert list(lab.exchange(worker=OTHER_WORKER).asked_to_cancel) == []


def test_a_settled_job_is_no_longer_among_those_to_stop(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    assert list(lab.settle(claim, State.COMPLETED).asked_to_cancel) == []


def test_a_cancellation_ends_with_the_attempt_that_was_asked(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    lab.finish(claim, State.DEAD)
    lab.act(Verb.RETRY, claim.ref)
    again = lab.claim_one()
    assert not lab.read(again.ref).cancel_asked
    lab.finish(again, State.FAILED, delay_ms=1_000)
    assert lab.state(again.ref) is State.FAILED


# Only if the lease has run out


def test_a_settle_bound_to_an_expired_lease_is_refused_while_it_lasts(lab: Lab):
    claim = lab.start()
    lab.clock.move(29_999)
    assert lab.settle(claim, State.PENDING, charge=Charge.LOST, if_expired=True).refused == [claim.raw]
    assert lab.state(claim.ref) is State.RUNNING


def test_a_settle_bound_to_an_expired_lease_counts_after_it(lab: Lab):
    claim = lab.start()
    lab.clock.move(30_001)
    assert lab.settle(claim, State.PENDING, charge=Charge.LOST, if_expired=True).refused == []
    assert lab.state(claim.ref) is State.PENDING


# Counters


@pytest.mark.parametrize(
    ("state", "processed", "failures"),
    [
        (State.COMPLETED, 1, 0),
        (State.FAILED, 1, 1),
        (State.DEAD, 1, 1),
        (State.CANCELLED, 1, 0),
        (State.SCHEDULED, 0, 0),
        (State.PENDING, 0, 0),
        (State.HELD, 0, 0),
    ],
)
def test_an_ending_counts_as_processed_and_as_failure_by_where_it_leads(
    lab: Lab, state: State, processed: int, failures: int
):
    lab.finish(lab.start(), state, delay_ms=1_000)
    assert (lab.counts().processed, lab.counts().failures) == (processed, failures)


def test_the_time_of_the_last_processed_attempt_is_kept(lab: Lab):
    claim = lab.start()
    lab.clock.move(5)
    lab.finish(claim, State.COMPLETED)
    processed_ms = lab.now
    lab.clock.move(1_000)
    lab.finish(lab.start(), State.SCHEDULED, delay_ms=1)
    assert lab.counts().last_processed_ms == processed_ms


def test_refused_outcomes_are_not_counted(lab: Lab):
    lab.settle(lab.outlived(State.COMPLETED), State.DEAD)
    assert (lab.counts().processed, lab.counts().failures) == (1, 0)
