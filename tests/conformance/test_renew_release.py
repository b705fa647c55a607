"""Leases made longer, and claims given back unstarted."""

from core.backends.contract import Backend
from core.model.job import pending_score
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import LEASE_MS, OTHER_WORKER, Lab, end, keys
from .matrix import covers, each_state


@covers("renew", State.RUNNING)
def test_a_renewed_lease_runs_from_now(lab: Lab):
    claim = lab.start()
    lab.clock.move(20_000)
    assert lab.store.renew("mail", keys([claim]), LEASE_MS) == []
    job = lab.read(claim.ref)
    assert (job.lease_until_ms, job.score) == (lab.now + LEASE_MS, lab.now + LEASE_MS)


@each_state("renew")
def test_an_old_token_renews_nothing(lab: Lab, state: State):
    claim = lab.outlived(state)
    before = lab.read(claim.ref)
    lab.clock.move(5)
    assert lab.store.renew("mail", keys([claim]), LEASE_MS) == [claim.raw]
    assert lab.read(claim.ref) == before


def test_renewing_nothing_answers_nothing(lab: Lab):
    assert list(lab.store.renew("mail", [], LEASE_MS)) == []


def test_an_unknown_job_is_reported_as_lost(lab: Lab):
    raw = lab.raw()
    assert lab.store.renew("mail", [(raw, 1)], LEASE_MS) == [raw]


def test_renewing_many_reports_only_those_that_were_lost(lab: Lab):
    lost = lab.outlived(State.COMPLETED)
    kept = [lab.start() for _ in range(3)]
    lab.clock.move(10)
    assert lab.store.renew("mail", keys([kept[0], lost, *kept[1:]]), LEASE_MS) == [lost.raw]
    assert {lab.read(claim.ref).lease_until_ms for claim in kept} == {lab.now + LEASE_MS}


def test_renewing_does_not_change_the_token_or_the_attempts(lab: Lab):
    claim = lab.start()
    lab.store.renew("mail", keys([claim]), LEASE_MS)
    job = lab.read(claim.ref)
    assert (job.token, job.attempts, job.worker) == (claim.token, 1, "a" * 32)
    assert lab.settle(claim, State.COMPLETED).refused == []


def test_a_lease_that_ran_out_may_be_renewed_until_somebody_takes_the_job(lab: Lab):
    claim = lab.start()
    lab.clock.move(LEASE_MS + 1)
    assert lab.store.renew("mail", keys([claim]), LEASE_MS) == []
    assert lab.settle(claim, State.PENDING, if_expired=True).refused == [claim.raw]


def test_a_renewed_job_is_not_rescued(lab: Lab):
    claim = lab.start()
    lab.pass_time(20_000)
    lab.store.renew("mail", keys([claim]), LEASE_MS)
    lab.pass_time(20_000)
    assert list(lab.store.rescue("mail", 10, LEASE_MS).claims) == []


def test_a_renewal_through_another_connection_counts(lab: Lab, meet):
    claim = lab.start()
    lab.clock.move(1_000)
    other: Backend = meet()
    assert other.renew("mail", keys([claim]), LEASE_MS) == []
    assert lab.read(claim.ref).lease_until_ms == lab.now + LEASE_MS


# Given back


@covers("release", State.RUNNING)
def test_a_released_job_is_pending(lab: Lab):
    claim = lab.start()
    assert lab.store.release("mail", keys([claim])) == 1
    assert lab.state(claim.ref) is State.PENDING


@each_state("release")
def test_an_old_token_releases_nothing(lab: Lab, state: State):
    claim = lab.outlived(state)
    before = lab.read(claim.ref)
    assert lab.store.release("mail", keys([claim])) == 0
    assert lab.read(claim.ref) == before


def test_releasing_nothing_releases_none(lab: Lab):
    assert lab.store.release("mail", []) == 0


def test_a_released_job_stands_at_its_old_place(lab: Lab):
    claim = lab.start(priority=2)
    ready_ms = lab.now
    lab.clock.move(10)
    newer = lab.enqueue(priority=2)
    lab.clock.move(10)
    lab.store.release("mail", keys([claim]))
    assert lab.read(claim.ref).score == pending_score(2, ready_ms)
    assert [claim.ref for claim in lab.claim(2)] == [claim.ref, newer]


def test_a_released_attempt_is_given_back(lab: Lab):
    claim = lab.start()
    lab.store.release("mail", keys([claim]))
    job = lab.read(claim.ref)
    assert (job.attempts, job.forgiven, job.losses, job.tries) == (0, 0, 0, 0)


def test_releasing_after_a_failed_attempt_gives_back_only_the_last(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.FAILED)
    lab.store.release("mail", keys([lab.claim_one()]))
    assert lab.read(claim.ref).attempts == 1


def test_a_released_job_shows_no_worker_and_no_lease(lab: Lab):
    claim = lab.start()
    lab.store.release("mail", keys([claim]))
    job = lab.read(claim.ref)
    assert (job.worker, job.token, job.claimed_ms, job.lease_until_ms) == ("", 0, 0, 0)


def test_releasing_twice_gives_back_once(lab: Lab):
    claim = lab.start()
    assert [lab.store.release("mail", keys([claim])) for _ in range(2)] == [1, 0]
    assert lab.read(claim.ref).attempts == 0


def test_a_release_that_comes_after_the_next_claim_does_not_disturb_it(lab: Lab):
    claim = lab.start()
    lab.store.release("mail", keys([claim]))
    again = lab.claim_one(worker=OTHER_WORKER)
    assert lab.store.release("mail", keys([claim])) == 0
    assert lab.read(again.ref).token == again.token


def test_a_settle_after_the_release_is_refused(lab: Lab):
    claim = lab.start()
    lab.store.release("mail", keys([claim]))
    assert lab.settle(claim, State.COMPLETED).refused == [claim.raw]
    assert lab.state(claim.ref) is State.PENDING


def test_releasing_many_counts_those_that_were_held(lab: Lab):
    gone = lab.outlived(State.DEAD)
    held = [lab.start() for _ in range(3)]
    assert lab.store.release("mail", keys([*held, gone])) == 3
    assert lab.count(State.PENDING) == 3


def test_a_release_is_not_counted_as_processed(lab: Lab):
    lab.store.release("mail", keys([lab.start()]))
    assert lab.counts().processed == 0


def test_a_job_promoted_before_its_claim_is_released_to_the_place_of_its_due_time(lab: Lab):
    ref = lab.enqueue(delay_ms=1_000)
    due_ms = lab.now + 1_000
    lab.clock.move(5_000)
    lab.store.release("mail", keys(lab.claim(1)))
    assert lab.read(ref).score == pending_score(0, due_ms)


def test_a_job_asked_to_stop_ends_cancelled_when_it_is_released(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    assert lab.store.release("mail", keys([claim])) == 1
    job = lab.read(claim.ref)
    assert (job.state, job.reason, job.attempts) == (State.CANCELLED, "cancelled while running", 0)


def test_a_snoozed_job_and_a_released_one_have_used_no_attempt(lab: Lab):
    snoozed, released = lab.start(), lab.start()
    lab.exchange(end(snoozed, State.SCHEDULED, charge=Charge.RETURNED, delay_ms=1_000))
    lab.store.release("mail", keys([released]))
    assert {lab.read(claim.ref).attempts for claim in (snoozed, released)} == {0}
