"""Jobs whose worker went silent: found after their lease, never because a clock jumped."""

import pytest

from core.backends.contract import Rescue
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import HOUR_MS, LEASE_MS, OTHER_WORKER, WORKER, Lab, end, keys, raws
from .matrix import covers, each_state

NOT_RUNNING = [state for state in State if state is not State.RUNNING]


@pytest.fixture(autouse=True)
def _known_queues(lab: Lab) -> None:
    """Janitors look after queues that have held a job."""
    for queue in ("mail", "bills"):
        lab.enqueue(queue=queue, delay_ms=10_000 * HOUR_MS)


def look(lab: Lab, limit: int = 100) -> Rescue:
    return lab.store.rescue("mail", limit, LEASE_MS)


def found(lab: Lab, limit: int = 100) -> list[bytes]:
    return raws(look(lab, limit).claims)


@covers("rescue", State.RUNNING)
def test_a_job_whose_lease_ran_out_is_found(lab: Lab):
    claim = lab.start()
    lab.pass_time(LEASE_MS * 3)
    assert found(lab) == [claim.raw]


@each_state("rescue", *NOT_RUNNING)
def test_a_job_that_does_not_run_is_never_found(lab: Lab, state: State):
    claim = lab.outlived(state)
    lab.pass_time(LEASE_MS * 4)
    assert found(lab) == []
    assert lab.state(claim.ref) is state


@covers("rescue", State.RUNNING)
def test_a_job_is_not_found_before_its_lease_ran_out(lab: Lab):
    look(lab)
    lab.start()
    lab.pass_time(LEASE_MS - 1)
    assert found(lab) == []


def test_finding_changes_nothing(lab: Lab):
    claim = lab.start()
    lab.pass_time(LEASE_MS * 3)
    before = lab.read(claim.ref)
    assert found(lab) == found(lab) == [claim.raw]
    assert lab.read(claim.ref) == before


def test_the_claim_found_is_the_one_that_was_lost(lab: Lab):
    claim = lab.start(task="shop.bill", priority=3)
    lab.pass_time(LEASE_MS * 3)
    assert list(look(lab).claims) == [claim]


def test_the_workers_of_the_lost_claims_are_named_in_the_same_order(lab: Lab):
    look(lab)
    lab.start()
    lab.clock.move(10)
    lab.claim_it(lab.enqueue(), worker=OTHER_WORKER)
    lab.pass_time(LEASE_MS * 2)
    assert list(look(lab).workers) == [WORKER, OTHER_WORKER]


def test_the_longest_lost_come_first(lab: Lab):
    look(lab)
    late = lab.claim_it(lab.enqueue(), lease_ms=9_000)
    soon = lab.claim_it(lab.enqueue(), lease_ms=3_000)
    lab.pass_time(LEASE_MS)
    assert found(lab) == [soon.raw, late.raw]


def test_at_most_the_limit_is_found(lab: Lab):
    for _ in range(5):
        lab.start()
    lab.pass_time(LEASE_MS * 3)
    assert len(found(lab, limit=2)) == 2


def test_other_queues_are_not_looked_at(lab: Lab):
    lab.start(queue="bills")
    lab.pass_time(LEASE_MS * 3, queue="bills")
    lab.pass_time(0)
    assert found(lab) == []
    assert len(lab.store.rescue("bills", 10, LEASE_MS).claims) == 1


def test_a_found_job_is_settled_as_lost_and_runs_again(lab: Lab):
    claim = lab.start()
    lab.pass_time(LEASE_MS * 3)
    [lost] = look(lab).claims
    lab.exchange(end(lost, State.PENDING, charge=Charge.LOST, if_expired=True), worker="janitor")
    again = lab.claim_one(worker=OTHER_WORKER)
    assert (again.raw, again.attempts, again.losses, again.tries) == (claim.raw, 2, 1, 1)


def test_the_worker_that_was_cut_off_cannot_settle_any_more(lab: Lab):
    claim = lab.start()
    lab.pass_time(LEASE_MS * 3)
    [lost] = look(lab).claims
    lab.exchange(end(lost, State.PENDING, charge=Charge.LOST, if_expired=True), worker="janitor")
    lab.claim_one(worker=OTHER_WORKER)
    assert lab.settle(claim, State.COMPLETED).refused == [claim.raw]
    assert lab.state(claim.ref) is State.RUNNING


def test_a_worker_that_renews_between_finding_and_settling_keeps_its_job(lab: Lab):
    claim = lab.start()
    lab.pass_time(LEASE_MS * 3)
    [lost] = look(lab).claims
    lab.store.renew("mail", keys([claim]), LEASE_MS)
    reply = lab.exchange(end(lost, State.PENDING, charge=Charge.LOST, if_expired=True), worker="janitor")
    assert reply.refused == [claim.raw]
    assert lab.settle(claim, State.COMPLETED).refused == []


def test_two_janitors_settle_a_lost_job_once(lab: Lab):
    lab.start()
    lab.pass_time(LEASE_MS * 3)
    [lost] = look(lab).claims
    outcome = end(lost, State.PENDING, charge=Charge.LOST, if_expired=True)
    replies = [lab.exchange(outcome, worker=janitor) for janitor in ("one", "two")]
    assert [list(reply.refused) for reply in replies] == [[], [lost.raw]]
    assert lab.read(lost.ref).losses == 1


def test_a_job_asked_to_stop_whose_worker_died_ends_cancelled(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    lab.pass_time(LEASE_MS * 3)
    [lost] = look(lab).claims
    lab.exchange(end(lost, State.PENDING, charge=Charge.LOST, if_expired=True), worker="janitor")
    job = lab.read(claim.ref)
    assert (job.state, job.reason) == (State.CANCELLED, "cancelled while running")


def test_a_job_that_kills_its_workers_may_be_settled_dead(lab: Lab):
    lab.start()
    lab.pass_time(LEASE_MS * 3)
    [lost] = look(lab).claims
    outcome = end(lost, State.DEAD, charge=Charge.LOST, if_expired=True, reason="its worker died 10 times")
    lab.exchange(outcome, worker="janitor")
    job = lab.read(lost.ref)
    assert (job.state, job.losses, lab.counts().failures) == (State.DEAD, 1, 1)


def test_a_worker_that_comes_back_from_the_dead_is_refused_after_another_completed(lab: Lab):
    claim = lab.start()
    lab.pass_time(LEASE_MS * 3)
    [lost] = look(lab).claims
    lab.exchange(end(lost, State.PENDING, charge=Charge.LOST, if_expired=True), worker="janitor")
    lab.finish(lab.claim_one(worker=OTHER_WORKER), State.COMPLETED, worker=OTHER_WORKER, result=b"\x02")
    assert lab.settle(claim, State.COMPLETED, result=b"\x01").refused == [claim.raw]
    assert (lab.read(claim.ref).result, lab.counts().processed) == (b"\x02", 1)


# The clock


def test_the_first_pass_over_idle_jobs_is_no_jump(lab: Lab):
    lab.enqueue()
    assert not look(lab).jumped


def test_the_first_pass_that_meets_running_jobs_rescues_nothing(lab: Lab):
    """Who knows how long no one looked: an outage is not a mass death."""
    lab.start()
    lab.clock.move(LEASE_MS * 10)
    first = look(lab)
    assert (first.jumped, list(first.claims)) == (True, [])


@pytest.mark.parametrize("moved_ms", [LEASE_MS // 2 + 1, LEASE_MS * 100, -1, -LEASE_MS * 100])
def test_a_clock_that_moved_too_far_between_two_passes_jumped(lab: Lab, moved_ms: int):
    look(lab)
    lab.start()
    lab.clock.move(moved_ms)
    jump = look(lab)
    assert (jump.jumped, list(jump.claims)) == (True, [])


@pytest.mark.parametrize("moved_ms", [0, 1, LEASE_MS // 2])
def test_passes_up_to_half_a_lease_apart_see_no_jump(lab: Lab, moved_ms: int):
    look(lab)
    lab.start()
    lab.clock.move(moved_ms)
    assert not look(lab).jumped


def test_after_a_jump_forward_a_lease_has_ended_now_at_the_earliest(lab: Lab):
    look(lab)
    claim = lab.start()
    lab.clock.move(LEASE_MS * 100)
    look(lab)
    job = lab.read(claim.ref)
    assert lab.now <= job.lease_until_ms <= lab.now + LEASE_MS
    assert job.score == job.lease_until_ms


def test_after_a_jump_backwards_a_lease_ends_within_a_lease_from_now(lab: Lab):
    look(lab)
    claim = lab.start()
    lab.clock.move(-LEASE_MS * 100)
    look(lab)
    assert lab.read(claim.ref).lease_until_ms == lab.now + LEASE_MS


def test_nothing_is_found_for_a_whole_lease_after_a_jump(lab: Lab):
    look(lab)
    lab.start()
    lab.clock.move(LEASE_MS * 100)
    look(lab)
    lab.pass_time(LEASE_MS - 1)
    assert found(lab) == []


def test_a_lease_after_the_jump_the_jobs_that_nobody_renewed_are_found(lab: Lab):
    look(lab)
    silent, living = lab.start(), lab.start()
    lab.clock.move(LEASE_MS * 100)
    look(lab)
    lab.pass_time(LEASE_MS // 2)
    lab.store.renew("mail", keys([living]), LEASE_MS)
    lab.pass_time(LEASE_MS // 2 + 1)
    assert found(lab) == [silent.raw]


def test_after_a_jump_backwards_silent_jobs_are_found_a_lease_later(lab: Lab):
    look(lab)
    silent = lab.start()
    lab.clock.move(-LEASE_MS * 100)
    look(lab)
    lab.pass_time(LEASE_MS + 1)
    assert found(lab) == [silent.raw]


def test_a_second_jump_begins_a_new_wait(lab: Lab):
    look(lab)
    lab.start()
    lab.clock.move(LEASE_MS * 100)
    look(lab)
    lab.pass_time(LEASE_MS - 10)
    lab.clock.move(LEASE_MS)
    assert look(lab).jumped
    lab.pass_time(LEASE_MS - 1)
    assert found(lab) == []


def test_a_jump_is_seen_by_each_queue_for_itself(lab: Lab):
    look(lab)
    lab.store.rescue("bills", 10, LEASE_MS)
    lab.start()
    lab.start(queue="bills")
    lab.pass_time(LEASE_MS * 2)
    assert len(found(lab)) == 1
    assert lab.store.rescue("bills", 10, LEASE_MS).jumped


def test_a_settle_of_a_living_worker_counts_in_the_wait_after_a_jump(lab: Lab):
    look(lab)
    claim = lab.start()
    lab.clock.move(LEASE_MS * 100)
    look(lab)
    assert lab.settle(claim, State.COMPLETED).refused == []


def test_the_watch_is_shared_by_all_connections(lab: Lab, meet):
    look(lab)
    lab.start()
    other = meet()
    for _ in range(3):
        lab.clock.move(LEASE_MS // 2)
        look(lab)
    assert not other.rescue("mail", 10, LEASE_MS).jumped
