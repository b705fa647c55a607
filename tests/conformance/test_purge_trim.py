"""What deletes jobs: purge by a person, trim by retention, and trimming on the way of a settle."""

from datetime import timedelta

import pytest

from core.model.job import NewJob
from core.model.retention import Keep, Retention
from core.model.states import FINAL, State

from .lab import HOUR_MS, Lab, end
from .matrix import covers, each_state

ENDED = sorted(FINAL)
LIVE = [state for state in State if state not in FINAL]
PURGED = [state for state in State if state is not State.RUNNING]
NEVER = timedelta(days=3_650)
KEEP_ALL = Keep(1_000_000, NEVER)


def keeping(state: State, keep: Keep) -> Retention:
    """Everything for ever but one final state."""
    others = {kept.value: KEEP_ALL for kept in FINAL}
    return Retention(**{**others, state.value: keep})


# Purge


@each_state("purge", *PURGED)
def test_purge_deletes_jobs_of_a_state_that_entered_it_before_a_time(lab: Lab, state: State):
    ref = lab.arrive(state)
    assert lab.store.purge("mail", state, lab.now + 2 * HOUR_MS, 10) == 1
    assert lab.look(ref) is None
    assert lab.count(state) == 0


@covers("purge", State.RUNNING)
def test_purge_never_deletes_a_running_job(lab: Lab):
    claim = lab.start()
    assert lab.store.purge("mail", State.RUNNING, lab.now + 2 * HOUR_MS, 10) == 0
    assert lab.settle(claim, State.COMPLETED).refused == []


@each_state("purge", *PURGED)
def test_purge_leaves_jobs_that_came_at_that_time_or_later(lab: Lab, state: State):
    ref = lab.arrive(state)
    assert lab.store.purge("mail", state, lab.now, 10) == 0
    assert lab.state(ref) is state


@each_state("purge")
def test_purge_of_one_state_leaves_the_others(lab: Lab, state: State):
    ref = lab.arrive(state)
    for other in PURGED:
        if other is not state:
            assert lab.store.purge("mail", other, lab.now + 2 * HOUR_MS, 10) == 0
    assert lab.state(ref) is state


def test_purge_goes_by_the_time_a_job_ended_not_by_when_it_came(lab: Lab):
    claim = lab.start()
    lab.clock.move(1_000)
    lab.finish(claim, State.COMPLETED)
    assert lab.store.purge("mail", State.COMPLETED, lab.now, 10) == 0
    assert lab.store.purge("mail", State.COMPLETED, lab.now + 1, 10) == 1


def test_purge_goes_by_when_a_waiting_job_came_not_by_when_it_is_due(lab: Lab):
    ref = lab.enqueue(delay_ms=HOUR_MS)
    lab.clock.move(10)
    assert lab.store.purge("mail", State.SCHEDULED, lab.now, 10) == 1
    assert lab.look(ref) is None


def test_purge_goes_by_when_a_held_job_came_not_by_when_it_was_held(lab: Lab):
    claim = lab.start()
    lab.clock.move(10)
    lab.finish(claim, State.HELD)
    assert lab.store.purge("mail", State.HELD, lab.now, 10) == 1


def test_purge_deletes_no_more_than_its_limit(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(5)])
    assert lab.store.purge("mail", State.PENDING, lab.now + 1, 2) == 2
    assert lab.count(State.PENDING) == 3


def test_purge_called_again_goes_on_until_nothing_is_left(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(5)])
    deleted = [lab.store.purge("mail", State.PENDING, lab.now + 1, 2) for _ in range(4)]
    assert deleted == [2, 2, 1, 0]


def test_purge_deletes_in_the_queue_it_names(lab: Lab):
    ref = lab.enqueue(queue="bills")
    lab.store.purge("mail", State.PENDING, lab.now + 1, 10)
    assert lab.state(ref) is State.PENDING


def test_a_purged_job_is_never_claimed(lab: Lab):
    lab.enqueue()
    lab.store.purge("mail", State.PENDING, lab.now + 1, 10)
    assert lab.claim(10) == []


def test_a_purged_scheduled_job_does_not_come_due(lab: Lab):
    lab.enqueue(delay_ms=10)
    lab.clock.move(5)
    lab.store.purge("mail", State.SCHEDULED, lab.now + HOUR_MS, 10)
    lab.clock.move(5)
    reply = lab.exchange(want=10)
    assert (list(reply.claims), reply.next_due_ms) == ([], 0)


def test_purging_jobs_keeps_the_totals(lab: Lab):
    lab.arrive(State.DEAD)
    lab.store.purge("mail", State.DEAD, lab.now + 1, 10)
    assert (lab.counts().processed, lab.counts().failures) == (1, 1)


def test_a_purged_job_leaves_nothing_behind_for_a_new_one_of_its_id(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.DEAD, result=b"\x01", error=b"\x02", line=b"\x91\x03", reason="bad")
    lab.store.purge("mail", State.DEAD, lab.now + 1, 10)
    job = lab.read(lab.enqueue(raw=claim.raw))
    assert (job.attempts, job.result, job.error, job.lines, job.reason) == (0, None, None, (), "")


# Trim


@each_state("trim", *ENDED)
def test_trim_deletes_what_is_older_than_its_age(lab: Lab, state: State):
    old = lab.arrive(state)
    lab.clock.move(2 * HOUR_MS)
    young = lab.arrive(state)
    retention = keeping(state, Keep(1_000, timedelta(hours=1)))
    assert lab.store.trim("mail", retention, 100) == 1
    assert (lab.look(old), lab.state(young)) == (None, state)


@each_state("trim", *ENDED)
def test_trim_keeps_the_newest_of_its_number(lab: Lab, state: State):
    refs = []
    for _ in range(5):
        refs.append(lab.arrive(state))
        lab.clock.move(1)
    assert lab.store.trim("mail", keeping(state, Keep(2, NEVER)), 100) == 3
    assert lab.refs(state) == refs[:2:-1]


@each_state("trim", *LIVE)
def test_trim_never_deletes_a_job_that_has_not_ended(lab: Lab, state: State):
    ref = lab.arrive(state)
    lab.clock.move(1_000 * HOUR_MS)
    nothing = Keep(1, timedelta(0))
    assert lab.store.trim("mail", Retention(completed=nothing, cancelled=nothing, dead=nothing), 100) == 0
    assert lab.state(ref) is state


def test_trim_of_what_retention_keeps_deletes_nothing(lab: Lab):
    refs = [lab.arrive(state) for state in ENDED]
    assert lab.store.trim("mail", Retention(), 100) == 0
    assert [lab.state(ref) for ref in refs] == ENDED


def test_trim_goes_by_each_state_apart(lab: Lab):
    refs = {state: lab.arrive(state) for state in ENDED}
    lab.clock.move(2 * HOUR_MS)
    lab.store.trim("mail", keeping(State.CANCELLED, Keep(10, timedelta(hours=1))), 100)
    assert {state for state, ref in refs.items() if lab.look(ref)} == {State.DEAD, State.COMPLETED}


def test_trim_deletes_about_its_limit_and_goes_on_when_called_again(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(20)])
    lab.exchange(*(end(claim, State.COMPLETED) for claim in lab.claim(20)))
    retention = keeping(State.COMPLETED, Keep(4, NEVER))
    first = lab.store.trim("mail", retention, 5)
    assert 0 < first <= 10
    while lab.store.trim("mail", retention, 5):
        pass
    assert lab.count(State.COMPLETED) == 4


def test_trim_of_one_queue_leaves_the_others(lab: Lab):
    ref = lab.arrive(State.DEAD, queue="bills")
    lab.clock.move(2 * HOUR_MS)
    lab.store.trim("mail", keeping(State.DEAD, Keep(10, timedelta(hours=1))), 100)
    assert lab.state(ref) is State.DEAD


def test_a_retried_job_is_out_of_the_reach_of_trim(lab: Lab):
    claim = lab.outlived(State.DEAD)
    lab.store.act("retry", "mail", [claim.raw], "op")
    lab.clock.move(2 * HOUR_MS)
    assert lab.store.trim("mail", keeping(State.DEAD, Keep(10, timedelta(hours=1))), 100) == 0
    assert lab.state(claim.ref) is State.PENDING


def test_trim_keeps_the_newest_entries_of_the_failure_journal(lab: Lab):
    for n in range(6):
        lab.finish(lab.start(), State.DEAD, line=bytes([0x91, n]), stream="failures")
    lab.store.trim("mail", Retention(failure_entries=2), 100)
    entries = lab.store.journal("mail", "failures", "", 100)
    assert [entry.lines[-1] for entry in entries][-2:] == [4, 5]
    assert len(entries) == 2


def test_trim_keeps_the_newest_entries_of_the_journal_of_completed_jobs(lab: Lab):
    for n in range(6):
        lab.finish(lab.start(), State.COMPLETED, line=bytes([0x91, n]), stream="completed")
    lab.store.trim("mail", Retention(completed_entries=3), 100)
    assert [entry.lines[-1] for entry in lab.store.journal("mail", "completed", "", 100)] == [3, 4, 5]


def test_trim_forgets_minutes_that_are_too_old(lab: Lab):
    lab.enqueue()
    lab.exchange(minutes={"shop.send|completed": 1})
    lab.clock.move(3 * HOUR_MS)
    lab.exchange(minutes={"shop.send|completed": 2})
    lab.store.trim("mail", Retention(minutes=timedelta(hours=1)), 100)
    assert list(lab.store.minutes("mail", 0).values()) == [{"shop.send|completed": 2}]


# On the way of a settle


def complete(lab: Lab, jobs: list[NewJob], **fields: int) -> None:
    """Run jobs to completion; only the exchange that settles them carries the fields."""
    lab.store.enqueue(jobs)
    lab.exchange(*(end(claim, State.COMPLETED) for claim in lab.claim(len(jobs), keep_completed=0)), **fields)


def test_the_newest_completed_jobs_survive_every_settle(lab: Lab):
    for n in range(10):
        lab.clock.move(1)
        complete(lab, [lab.job() for _ in range(4)], keep_completed=8)
        assert lab.count(State.COMPLETED) >= min(8, 4 * (n + 1))
    newest = lab.refs(State.COMPLETED)[:8]
    assert [int.from_bytes(ref.raw[:8], "big") for ref in newest] == list(range(40, 32, -1))


def test_completed_jobs_do_not_pile_up_while_workers_settle(lab: Lab):
    for _ in range(20):
        lab.clock.move(1)
        complete(lab, [lab.job() for _ in range(10)], keep_completed=15)
    assert lab.count(State.COMPLETED) <= 60


def test_a_settle_trims_at_most_two_an_outcome_and_ten(lab: Lab):
    complete(lab, [lab.job() for _ in range(100)], keep_completed=0)
    lab.clock.move(1)
    complete(lab, [lab.job() for _ in range(3)], keep_completed=1)
    assert lab.count(State.COMPLETED) >= 103 - (2 * 3 + 10)


def test_keeping_none_means_that_nothing_is_trimmed(lab: Lab):
    complete(lab, [lab.job() for _ in range(50)], keep_completed=0)
    assert lab.count(State.COMPLETED) == 50


@pytest.mark.parametrize("state", [State.DEAD, State.CANCELLED])
def test_only_completed_jobs_are_trimmed_by_a_settle(lab: Lab, state: State):
    lab.arrive(state)
    complete(lab, [lab.job() for _ in range(10)], keep_completed=1)
    assert lab.count(state) == 1
