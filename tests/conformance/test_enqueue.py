"""How jobs come in: ids, times, answers, all or none."""

import pytest

from core.backends.contract import Backend
from core.model.job import pending_score
from core.model.states import State

from .lab import ARGUMENTS, HOUR_MS, Lab
from .matrix import covers, each_state


@covers("enqueue", State.PENDING)
def test_a_new_job_is_pending(lab: Lab):
    assert lab.state(lab.enqueue()) is State.PENDING


def test_a_new_job_keeps_everything_it_came_with(lab: Lab):
    job = lab.job(
        task="shop.bill", options=b"\x81\xa1t\x05", priority=-7, max_attempts=9, unique_key="bill:1", queue="bills"
    )
    lab.store.enqueue([job])
    stored = lab.read(job.ref)
    came_with = ("ref", "task", "arguments", "options", "priority", "max_attempts", "unique_key")
    assert [getattr(stored, name) for name in came_with] == [getattr(job, name) for name in came_with]


def test_a_new_job_has_no_history(lab: Lab):
    stored = lab.read(lab.enqueue())
    assert (stored.attempts, stored.forgiven, stored.losses) == (0, 0, 0)
    assert (stored.worker, stored.token, stored.claimed_ms, stored.lease_until_ms) == ("", 0, 0, 0)
    assert (stored.finished_ms, stored.due_ms, stored.cancel_asked, stored.reason) == (0, 0, False, "")
    assert (stored.result, stored.error, stored.lines) == (None, None, ())


def test_a_new_job_says_when_it_was_enqueued_by_the_stores_clock(lab: Lab):
    lab.clock.move(1234)
    assert lab.read(lab.enqueue()).enqueued_ms == lab.now


def test_a_pending_job_stands_at_its_priority_and_time(lab: Lab):
    assert lab.read(lab.enqueue(priority=30)).score == pending_score(30, lab.now)


def test_the_receipt_names_the_job_and_says_created(lab: Lab):
    job = lab.job()
    [receipt] = lab.store.enqueue([job])
    assert (receipt.ref, receipt.created) == (job.ref, True)


def test_enqueueing_nothing_answers_nothing(lab: Lab):
    assert list(lab.store.enqueue([])) == []


def test_receipts_come_in_the_order_of_the_jobs(lab: Lab):
    jobs = [lab.job(queue=queue) for queue in ("b", "a", "c", "a", "b")]
    assert [receipt.ref for receipt in lab.store.enqueue(jobs[::-1])] == [job.ref for job in jobs[::-1]]


def test_a_batch_over_several_queues_reaches_each(lab: Lab):
    lab.store.enqueue([lab.job(queue=queue) for queue in ("b", "a", "b")])
    assert {c.queue: c.states[State.PENDING] for c in lab.store.counts()} == {"a": 1, "b": 2}


def test_a_batch_of_thousands_is_answered_job_by_job(lab: Lab):
    jobs = [lab.job() for _ in range(2_500)]
    receipts = lab.store.enqueue(jobs)
    assert [receipt.ref for receipt in receipts] == [job.ref for job in jobs]
    assert lab.count(State.PENDING) == 2_500


@each_state("enqueue")
def test_an_id_that_is_known_is_not_stored_again(lab: Lab, state: State):
    ref = lab.arrive(state)
    before = lab.read(ref)
    receipt = lab.offer(raw=ref.raw, task="other.task", arguments=b"\x80", priority=50)
    assert (receipt.ref, receipt.created) == (ref, False)
    assert lab.read(ref) == before


def test_a_batch_sent_again_after_a_lost_reply_adds_only_what_is_missing(lab: Lab):
    jobs = [lab.job() for _ in range(3)]
    lab.store.enqueue(jobs[:2])
    assert [receipt.created for receipt in lab.store.enqueue(jobs)] == [False, False, True]
    assert lab.count(State.PENDING) == 3


def test_an_id_given_twice_in_one_batch_is_stored_once(lab: Lab):
    job = lab.job()
    assert [receipt.created for receipt in lab.store.enqueue([job, job])] == [True, False]
    assert lab.count(State.PENDING) == 1


def test_the_same_id_in_another_queue_is_another_job(lab: Lab):
    first = lab.enqueue(queue="a")
    second = lab.enqueue(queue="b", raw=first.raw)
    assert lab.read(first).ref != lab.read(second).ref


def test_an_id_may_be_used_again_once_its_job_was_deleted(lab: Lab):
    ref = lab.arrive(State.COMPLETED)
    lab.store.purge(ref.queue, State.COMPLETED, lab.now + 1, 10)
    assert lab.offer(raw=ref.raw).created


@covers("enqueue", State.SCHEDULED)
def test_a_delay_counts_from_the_stores_now(lab: Lab):
    lab.clock.move(777)
    stored = lab.read(lab.enqueue(delay_ms=5_000))
    assert (stored.state, stored.due_ms) == (State.SCHEDULED, lab.now + 5_000)


def test_a_job_for_a_later_time_is_scheduled_for_that_time(lab: Lab):
    stored = lab.read(lab.enqueue(run_at_ms=lab.now + 60_000))
    assert (stored.state, stored.due_ms, stored.score) == (State.SCHEDULED, lab.now + 60_000, lab.now + 60_000)


def test_a_job_for_a_time_that_has_passed_is_pending(lab: Lab):
    assert lab.state(lab.enqueue(run_at_ms=lab.now - 60_000)) is State.PENDING


def test_a_job_for_this_very_moment_is_pending(lab: Lab):
    assert lab.state(lab.enqueue(run_at_ms=lab.now)) is State.PENDING


def test_a_delay_of_years_is_kept_to_the_millisecond(lab: Lab):
    ten_years_ms = 3_660 * 24 * HOUR_MS + 1
    assert lab.read(lab.enqueue(delay_ms=ten_years_ms)).due_ms == lab.now + ten_years_ms


def test_a_paused_queue_takes_jobs(lab: Lab):
    lab.store.pause("mail", "maintenance")
    assert lab.state(lab.enqueue()) is State.PENDING


def test_what_one_connection_enqueues_the_other_reads(lab: Lab, meet):
    ref = lab.enqueue()
    other: Backend = meet()
    [job] = other.get([ref])
    assert job is not None
    assert (job.ref, job.arguments) == (ref, ARGUMENTS)


@pytest.mark.parametrize("size", [0, 1, 256 * 1024])
def test_arguments_of_any_size_up_to_the_limit_come_back_whole(lab: Lab, size: int):
    arguments = bytes(range(256)) * (size // 256) if size > 1 else b"\x80" * size
    assert lab.read(lab.enqueue(arguments=arguments)).arguments == arguments
