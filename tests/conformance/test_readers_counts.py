"""Counts and single jobs: what the store holds now, and its totals."""

import pytest

from core.model.ident import JobRef
from core.model.states import State, Verb

from .lab import HOUR_MS, LEASE_MS, Lab, end, keys
from .matrix import covers, each_state


def names(lab: Lab) -> list[str]:
    return [counts.queue for counts in lab.store.counts()]


@each_state("counts")
def test_a_job_is_counted_in_its_state_and_in_no_other(lab: Lab, state: State):
    lab.arrive(state)
    assert {other: n for other, n in lab.counts().states.items() if n} == {state: 1}


def test_every_state_is_counted_even_when_it_is_empty(lab: Lab):
    lab.enqueue()
    assert set(lab.counts().states) == set(State)


def test_an_empty_store_has_no_queues(lab: Lab):
    assert list(lab.store.counts()) == []


def test_queues_are_listed_by_name(lab: Lab):
    for queue in ("b", "a", "B", "a-1", "a.1", "10", "9"):
        lab.enqueue(queue=queue)
    assert names(lab) == sorted(["b", "a", "B", "a-1", "a.1", "10", "9"])


def test_a_queue_stays_listed_when_its_last_job_is_gone(lab: Lab):
    lab.enqueue()
    lab.store.purge("mail", State.PENDING, lab.now + 1, 10)
    assert names(lab) == ["mail"]


def test_a_queue_that_only_has_a_schedule_is_listed(lab: Lab):
    lab.store.put_schedule("bills", "monthly", b"\x80", enabled=True)
    assert names(lab) == ["bills"]


def test_a_queue_that_is_only_paused_is_listed(lab: Lab):
    lab.store.pause("bills", "not yet")
    assert names(lab) == ["bills"]


def test_asking_a_queue_for_work_does_not_make_it(lab: Lab):
    lab.exchange(queue="nobody", want=5)
    lab.store.rescue("nobody", 10, LEASE_MS)
    lab.store.renew("nobody", [(lab.raw(), 1)], LEASE_MS)
    lab.store.release("nobody", [(lab.raw(), 1)])
    assert names(lab) == []


def test_looking_for_jobs_in_a_queue_does_not_make_it(lab: Lab):
    lab.look(JobRef("nobody", lab.raw()))
    lab.page(State.PENDING, queues=("nobody",))
    lab.store.journal("nobody", "failures", "", 10)
    lab.store.minutes("nobody", 0)
    lab.act(Verb.RETRY, JobRef("nobody", lab.raw()))
    assert names(lab) == []


def test_each_queue_is_counted_apart(lab: Lab):
    lab.arrive(State.DEAD, queue="a")
    lab.arrive(State.PENDING, queue="b")
    assert lab.counts("a").states[State.PENDING] == 0
    assert lab.counts("b").states[State.DEAD] == 0
    assert (lab.counts("a").processed, lab.counts("b").processed) == (1, 0)


def test_totals_grow_with_every_attempt_of_a_job(lab: Lab):
    claim = lab.start()
    for _ in range(3):
        lab.finish(claim, State.FAILED)
        claim = lab.claim_one()
    lab.finish(claim, State.COMPLETED)
    assert (lab.counts().processed, lab.counts().failures) == (4, 3)


def test_a_batch_is_added_to_the_totals_as_a_whole(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(10)])
    claims = lab.claim(10)
    lab.exchange(*(end(claim, State.COMPLETED if n % 2 else State.DEAD) for n, claim in enumerate(claims)))
    assert (lab.counts().processed, lab.counts().failures) == (10, 5)


def test_nothing_was_processed_at_first(lab: Lab):
    lab.enqueue()
    counts = lab.counts()
    assert (counts.processed, counts.failures, counts.last_processed_ms) == (0, 0, 0)


def test_the_oldest_pending_time_is_that_of_the_next_job_in_run_order(lab: Lab):
    lab.enqueue(priority=0)
    lab.clock.move(1_000)
    lab.enqueue(priority=50)
    assert lab.counts().oldest_pending_ms == lab.now


def test_the_oldest_pending_time_of_an_emptied_queue_is_zero(lab: Lab):
    lab.enqueue()
    lab.claim_one()
    assert lab.counts().oldest_pending_ms == 0


@pytest.mark.parametrize("priority", [-100, -1, 0, 1, 100])
def test_the_oldest_pending_time_is_exact_at_every_priority(lab: Lab, priority: int):
    lab.clock.move(7)
    lab.enqueue(priority=priority)
    assert lab.counts().oldest_pending_ms == lab.now


def test_the_oldest_pending_time_of_a_promoted_job_is_its_due_time(lab: Lab):
    lab.enqueue(delay_ms=1_000)
    due_ms = lab.now + 1_000
    lab.clock.move(9_000)
    lab.exchange()
    assert lab.counts().oldest_pending_ms == due_ms


def test_counts_through_another_connection_are_the_same(lab: Lab, meet):
    for state in State:
        lab.arrive(state)
    assert list(meet().counts()) == list(lab.store.counts())


def test_counts_follow_a_job_through_a_whole_life(lab: Lab):
    claim = lab.start(delay_ms=0)
    lab.finish(claim, State.FAILED, delay_ms=1_000)
    lab.clock.move(1_000)
    lab.store.release("mail", keys(lab.claim(1)))
    lab.finish(lab.claim_one(), State.DEAD)
    lab.act(Verb.RETRY, claim.ref)
    lab.act(Verb.CANCEL, claim.ref)
    assert {state: n for state, n in lab.counts().states.items() if n} == {State.CANCELLED: 1}


# One job


@each_state("get")
def test_a_job_is_read_in_every_state(lab: Lab, state: State):
    ref = lab.arrive(state, task="shop.bill")
    job = lab.read(ref)
    assert (job.ref, job.state, job.task) == (ref, state, "shop.bill")


@each_state("get")
def test_times_are_shown_only_where_they_mean_something(lab: Lab, state: State):
    job = lab.read(lab.arrive(state))
    final = state in (State.DEAD, State.COMPLETED, State.CANCELLED)
    shown = (job.due_ms > 0, job.finished_ms > 0, job.lease_until_ms > 0, job.claimed_ms > 0, job.token > 0)
    running = state is State.RUNNING
    assert shown == (state in (State.SCHEDULED, State.FAILED), final, running, running, running)


def test_jobs_come_in_the_order_asked_for_with_none_for_those_missing(lab: Lab):
    first, second = lab.enqueue(queue="a"), lab.enqueue(queue="b")
    missing = JobRef("a", lab.raw())
    found = lab.store.get([second, missing, first, second])
    assert [job and job.ref for job in found] == [second, None, first, second]


def test_asking_for_no_jobs_answers_none(lab: Lab):
    assert list(lab.store.get([])) == []


def test_hundreds_of_jobs_are_read_in_one_call(lab: Lab):
    jobs = [lab.job() for _ in range(1_200)]
    lab.store.enqueue(jobs)
    assert [job and job.ref for job in lab.store.get([job.ref for job in jobs])] == [job.ref for job in jobs]


def test_a_job_is_not_found_in_another_queue(lab: Lab):
    ref = lab.enqueue(queue="a")
    lab.enqueue(queue="b")
    assert lab.look(JobRef("b", ref.raw)) is None


@covers("get", State.COMPLETED)
def test_a_finished_job_is_read_with_all_it_left(lab: Lab):
    claim = lab.start()
    lab.clock.move(HOUR_MS)
    lab.finish(claim, State.COMPLETED, result=b"\x01", line=b"\x91\x02", reason="fine")
    job = lab.read(claim.ref)
    assert (job.result, job.lines, job.reason, job.finished_ms) == (b"\x01", (b"\x91\x02",), "fine", lab.now)
