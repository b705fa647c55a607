"""What an exchange hands out: order, limits, promotion, tokens, leases."""

from core.backends.contract import Backend
from core.model.job import pending_score
from core.model.states import State, Verb

from .lab import HOUR_MS, LEASE_MS, OTHER_WORKER, WORKER, Lab, raws
from .matrix import covers, each_state

PROMOTED_AT_ONCE = 100
NOT_CLAIMABLE = [state for state in State if state is not State.PENDING]


@covers("claim", State.PENDING)
def test_a_claimed_job_is_running(lab: Lab):
    ref = lab.enqueue()
    assert lab.claim_one().ref == ref
    assert lab.state(ref) is State.RUNNING


@each_state("claim", *NOT_CLAIMABLE)
def test_only_pending_jobs_are_claimed(lab: Lab, state: State):
    ref = lab.arrive(state)
    assert lab.claim(10, worker=OTHER_WORKER) == []
    assert lab.state(ref) is state


def test_a_claim_carries_all_that_the_job_came_with(lab: Lab):
    job = lab.job(task="shop.bill", options=b"\x81\xa1t\x05", priority=3, max_attempts=8)
    lab.store.enqueue([job])
    claim = lab.claim_one()
    carried = ("queue", "raw", "task", "arguments", "options", "priority", "max_attempts")
    assert [getattr(claim, name) for name in carried] == [getattr(job, name) for name in carried]


def test_a_claim_counts_its_attempt(lab: Lab):
    lab.enqueue()
    claim = lab.claim_one()
    assert (claim.attempts, claim.forgiven, claim.losses, claim.tries) == (1, 0, 0, 1)


def test_a_claim_tells_when_its_job_came_became_ready_and_was_claimed(lab: Lab):
    lab.enqueue(delay_ms=500)
    enqueued_ms = lab.now
    lab.clock.move(900)
    claim = lab.claim_one()
    assert (claim.enqueued_ms, claim.ready_ms, claim.claimed_ms) == (enqueued_ms, enqueued_ms + 500, lab.now)


def test_a_running_job_shows_its_worker_token_and_lease(lab: Lab):
    lab.enqueue()
    claim = lab.claim_one(lease_ms=12_000)
    job = lab.read(claim.ref)
    assert (job.worker, job.token, job.claimed_ms) == (WORKER, claim.token, lab.now)
    assert (job.lease_until_ms, job.score, job.attempts) == (lab.now + 12_000, lab.now + 12_000, 1)


def test_an_empty_queue_hands_out_nothing(lab: Lab):
    reply = lab.exchange(want=10)
    assert (list(reply.claims), list(reply.refused), reply.next_due_ms) == ([], [], 0)


def test_the_reply_tells_the_stores_time(lab: Lab):
    lab.clock.move(31)
    assert lab.exchange().now_ms == lab.now


def test_no_more_than_wanted_is_claimed(lab: Lab):
    for _ in range(5):
        lab.enqueue()
    assert len(lab.claim(3)) == 3
    assert lab.count(State.PENDING) == 2


def test_wanting_none_claims_none(lab: Lab):
    lab.enqueue()
    assert lab.claim(0) == []


def test_wanting_more_than_there_is_claims_all(lab: Lab):
    refs = [lab.enqueue() for _ in range(3)]
    assert [claim.ref for claim in lab.claim(100)] == refs


def test_hundreds_are_claimed_in_one_call(lab: Lab):
    jobs = [lab.job() for _ in range(500)]
    lab.store.enqueue(jobs)
    assert raws(lab.claim(500)) == [job.raw for job in jobs]


def test_first_in_is_first_out(lab: Lab):
    early = lab.raw()
    first = lab.enqueue()
    lab.clock.move(1)
    second = lab.enqueue(raw=early)  # an older id that came later
    assert [claim.ref for claim in lab.claim(2)] == [first, second]


def test_jobs_of_one_millisecond_run_in_the_order_of_their_ids(lab: Lab):
    ids = [lab.raw() for _ in range(4)]
    for raw in reversed(ids):
        lab.enqueue(raw=raw)
    assert raws(lab.claim(4)) == ids


def test_higher_priority_runs_first(lab: Lab):
    refs = {priority: lab.enqueue(priority=priority) for priority in (0, -100, 100, 1, -1)}
    assert [claim.ref for claim in lab.claim(5)] == [refs[priority] for priority in (100, 1, 0, -1, -100)]


def test_priority_goes_before_waiting_time(lab: Lab):
    lab.enqueue(priority=0)
    lab.clock.move(30 * 24 * HOUR_MS)
    urgent = lab.enqueue(priority=1)
    assert lab.claim_one().ref == urgent


def test_other_queues_are_left_alone(lab: Lab):
    other = lab.enqueue(queue="bills")
    assert lab.claim(10, queue="mail") == []
    assert lab.state(other) is State.PENDING


def test_no_job_is_handed_to_two_workers(lab: Lab):
    refs = [lab.enqueue() for _ in range(4)]
    first, second = lab.claim(3), lab.claim(3, worker=OTHER_WORKER)
    assert [claim.ref for claim in first] == refs[:3]
    assert [claim.ref for claim in second] == refs[3:]


def test_two_connections_share_one_line(lab: Lab, meet):
    refs = [lab.enqueue() for _ in range(2)]
    other = Lab(meet(), lab.clock)
    assert lab.claim_one().ref == refs[0]
    assert other.claim_one(worker=OTHER_WORKER).ref == refs[1]


def test_tokens_grow_within_a_call(lab: Lab):
    for _ in range(5):
        lab.enqueue()
    tokens = [claim.token for claim in lab.claim(5)]
    assert tokens[0] > 0
    assert tokens == sorted(set(tokens))


def test_tokens_grow_over_calls_and_workers(lab: Lab):
    for _ in range(3):
        lab.enqueue()
    tokens = [lab.claim_one(worker=worker).token for worker in (WORKER, OTHER_WORKER, WORKER)]
    assert tokens == sorted(set(tokens))


def test_a_job_claimed_again_has_a_greater_token(lab: Lab):
    first = lab.start()
    lab.finish(first, State.PENDING)
    second = lab.claim_one()
    assert second.raw == first.raw
    assert second.token > first.token


def test_attempts_count_every_claim(lab: Lab):
    claim = lab.start()
    for attempt in (2, 3):
        lab.finish(claim, State.FAILED)
        claim = lab.claim_one()
        assert claim.attempts == attempt


def test_tokens_grow_though_the_clock_goes_back(lab: Lab):
    lab.enqueue()
    before = lab.claim_one()
    lab.clock.move(-HOUR_MS)
    lab.enqueue()
    assert lab.claim_one().token > before.token


def test_a_lease_runs_from_the_time_of_a_clock_that_went_back(lab: Lab):
    lab.clock.move(-HOUR_MS)
    assert lab.read(lab.start().ref).lease_until_ms == lab.now + LEASE_MS


# Promotion


@covers("claim", State.SCHEDULED)
def test_a_scheduled_job_is_not_claimed_a_millisecond_early(lab: Lab):
    lab.enqueue(delay_ms=1_000)
    lab.clock.move(999)
    assert lab.claim(1) == []


@covers("claim", State.SCHEDULED)
def test_a_scheduled_job_is_claimed_when_it_is_due(lab: Lab):
    ref = lab.enqueue(delay_ms=1_000)
    lab.clock.move(1_000)
    assert lab.claim_one().ref == ref


@covers("claim", State.FAILED)
def test_a_failed_job_is_claimed_when_its_retry_is_due(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.FAILED, delay_ms=1_000)
    lab.clock.move(999)
    assert lab.claim(1) == []
    lab.clock.move(1)
    assert lab.claim_one().ref == claim.ref


@covers("claim", State.HELD)
def test_time_alone_does_not_release_a_held_job(lab: Lab):
    ref = lab.arrive(State.HELD)
    lab.clock.move(1_000 * HOUR_MS)
    assert lab.claim(10) == []
    assert lab.state(ref) is State.HELD


def test_due_jobs_become_pending_though_nobody_wants_them(lab: Lab):
    ref = lab.enqueue(delay_ms=10)
    due_ms = lab.now + 10
    lab.clock.move(60)
    lab.exchange(want=0)
    assert lab.state(ref) is State.PENDING
    assert lab.read(ref).score == pending_score(0, due_ms)


def test_a_promoted_job_is_ready_since_it_was_due_not_since_it_was_seen(lab: Lab):
    late = lab.enqueue(delay_ms=100)
    lab.clock.move(200)
    newer = lab.enqueue()
    assert [claim.ref for claim in lab.claim(2)] == [late, newer]


def test_a_promoted_job_stands_behind_those_that_were_ready_before_it_was_due(lab: Lab):
    later = lab.enqueue(delay_ms=100)
    lab.clock.move(50)
    earlier = lab.enqueue()
    lab.clock.move(50)
    assert [claim.ref for claim in lab.claim(2)] == [earlier, later]


def test_a_promoted_job_keeps_its_priority(lab: Lab):
    urgent = lab.enqueue(delay_ms=100, priority=5)
    lab.enqueue()
    lab.clock.move(100)
    assert lab.claim_one().ref == urgent


def test_scheduled_and_failed_jobs_are_promoted_in_one_order_of_due_time(lab: Lab):
    failed = lab.start()
    lab.finish(failed, State.FAILED, delay_ms=200)
    first, last = lab.enqueue(delay_ms=100), lab.enqueue(delay_ms=300)
    lab.clock.move(1_000)
    assert [claim.ref for claim in lab.claim(3)] == [first, failed.ref, last]


def test_at_most_a_hundred_are_promoted_by_one_call_the_longest_due_first(lab: Lab):
    jobs = [lab.job(delay_ms=1_000 - n) for n in range(PROMOTED_AT_ONCE + 30)]
    lab.store.enqueue(jobs)
    lab.clock.move(1_000)
    lab.exchange()
    assert lab.count(State.PENDING) == PROMOTED_AT_ONCE
    assert {ref.raw for ref in lab.refs(State.SCHEDULED)} == {job.raw for job in jobs[:30]}


def test_the_hundred_are_counted_over_scheduled_and_failed_together(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(80)])
    for claim in lab.claim(80):
        lab.finish(claim, State.FAILED, delay_ms=1_000)
    lab.store.enqueue([lab.job(delay_ms=1_000) for _ in range(80)])
    lab.clock.move(1_000)
    lab.exchange()
    assert lab.count(State.PENDING) == PROMOTED_AT_ONCE


def test_a_job_that_became_ready_stays_ready_though_the_clock_goes_back(lab: Lab):
    ref = lab.enqueue(delay_ms=10)
    lab.clock.move(10)
    lab.exchange()
    lab.clock.move(-HOUR_MS)
    assert lab.claim_one().ref == ref


def test_the_next_call_promotes_the_rest(lab: Lab):
    lab.store.enqueue([lab.job(delay_ms=1) for _ in range(PROMOTED_AT_ONCE + 30)])
    lab.clock.move(1)
    lab.exchange()
    lab.exchange()
    assert lab.count(State.PENDING) == PROMOTED_AT_ONCE + 30


def test_the_reply_tells_when_the_next_job_is_due(lab: Lab):
    lab.enqueue(delay_ms=9_000)
    lab.finish(lab.start(), State.FAILED, delay_ms=4_000)
    assert lab.exchange().next_due_ms == lab.now + 4_000


def test_the_next_due_time_is_that_of_what_was_not_promoted(lab: Lab):
    lab.enqueue(delay_ms=1_000)
    lab.enqueue(delay_ms=5_000)
    expected = lab.now + 5_000
    lab.clock.move(1_000)
    assert lab.exchange(want=1).next_due_ms == expected


def test_the_next_due_time_is_that_of_the_queue_asked_for(lab: Lab):
    lab.enqueue(queue="bills", delay_ms=1_000)
    assert lab.exchange(queue="mail").next_due_ms == 0


def test_a_job_retried_by_hand_is_claimed_before_it_was_due(lab: Lab):
    ref = lab.arrive(State.SCHEDULED)
    lab.act(Verb.RETRY, ref)
    assert lab.claim_one().ref == ref


def test_a_claim_is_seen_by_the_other_connection_at_once(lab: Lab, meet):
    claim = lab.start()
    other: Backend = meet()
    [job] = other.get([claim.ref])
    assert job is not None
    assert (job.state, job.token, job.lease_until_ms) == (State.RUNNING, claim.token, lab.now + LEASE_MS)
