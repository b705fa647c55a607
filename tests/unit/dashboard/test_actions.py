"""Actions: allowed, written down before the store acts, closed with what came of it."""

from __future__ import annotations

import pytest

from core.app import Jobs
from core.backends.contract import PageQuery
from core.errors import InvalidInput, JobNotFound, StoreUnavailable
from core.model.ident import JobRef, new_raw
from core.model.states import State, Verb
from jobs_dashboard.actions import jobs as on_jobs
from jobs_dashboard.actions import queues, schedules, workers
from jobs_dashboard.actions.actor import Actor
from jobs_dashboard.actions.audit import Refused
from jobs_dashboard.models import ActionTarget, JobRecord, OperatorAction

pytestmark = pytest.mark.django_db


def test_a_cancel_is_audited_with_its_job_before_and_after(jobs: Jobs, operator: Actor) -> None:
    ref = jobs.enqueue("add", a=1).ref

    outcome = on_jobs.act(operator, Verb.CANCEL, ref, reason="wrong number")

    assert (outcome.applied, outcome.before, outcome.after) == (True, State.PENDING, State.CANCELLED)
    row = OperatorAction.objects.get()
    assert (row.verb, row.kind, row.target, row.reason) == ("cancel", "job", str(ref), "wrong number")
    assert (row.status, row.count, row.applied, row.actor_name) == ("done", 1, 1, "olga")
    assert row.closed_at is not None
    target = ActionTarget.objects.get()
    assert (target.job_id, target.applied, target.before, target.after) == (str(ref), True, "pending", "cancelled")


def test_a_cancelled_job_is_remembered_although_no_attempt_ended(jobs: Jobs, operator: Actor) -> None:
    ref = jobs.enqueue("add", a=1).ref

    on_jobs.act(operator, Verb.CANCEL, ref, reason="wrong number")

    record = JobRecord.objects.get()
    assert (record.job_id, record.state, record.reason) == (str(ref), "cancelled", "wrong number")


def test_a_verb_that_comes_too_late_is_a_conflict_and_says_the_state(jobs: Jobs, operator: Actor) -> None:
    ref = jobs.enqueue("add", a=1).ref

    outcome = on_jobs.act(operator, Verb.RETRY, ref)

    assert not outcome.applied
    assert "pending" in outcome.sentence
    assert OperatorAction.objects.get().status == "conflict"


def test_a_job_that_is_not_there_is_an_error_and_stands_in_the_audit(jobs: Jobs, operator: Actor) -> None:
    with pytest.raises(JobNotFound):
        on_jobs.act(operator, Verb.RETRY, JobRef("default", new_raw()))

    assert OperatorAction.objects.get().status == "conflict"


def test_who_may_not_act_is_refused_and_nothing_happens(jobs: Jobs, stranger: Actor) -> None:
    ref = jobs.enqueue("add", a=1).ref

    with pytest.raises(Refused, match="operate_jobs"):
        on_jobs.act(stranger, Verb.CANCEL, ref)

    assert jobs.get(str(ref)).state is State.PENDING
    row = OperatorAction.objects.get()
    assert (row.status, row.actor_name, row.door) == ("refused", "sven", "api")


def test_a_lost_reply_is_answered_by_sending_once_more(
    jobs: Jobs, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = jobs.enqueue("add", a=1).ref
    act, calls = jobs.backend.act, []

    def lossy(*args: object, **kwargs: object) -> object:
        answer = act(*args, **kwargs)
        calls.append(args)
        if len(calls) == 1:
            raise StoreUnavailable("the reply was lost")
        return answer

    monkeypatch.setattr(jobs.backend, "act", lossy)

    assert on_jobs.act(operator, Verb.CANCEL, ref).applied
    assert calls[0] == calls[1], "the same operation id, so that it acts once"


def test_a_store_that_stays_away_leaves_the_outcome_unknown(
    jobs: Jobs, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("connection refused")

    ref = jobs.enqueue("add", a=1).ref
    monkeypatch.setattr(jobs.backend, "act", away)

    with pytest.raises(StoreUnavailable):
        on_jobs.act(operator, Verb.CANCEL, ref)

    row = OperatorAction.objects.get()
    assert row.status == "unknown"
    assert "connection refused" in row.outcome


def test_several_jobs_are_one_entry_with_a_target_each(jobs: Jobs, operator: Actor) -> None:
    refs = [jobs.enqueue("add", a=number).ref for number in range(3)]
    on_jobs.act(operator, Verb.CANCEL, refs[0])

    outcomes = on_jobs.act_on(operator, Verb.CANCEL, [*refs, refs[1]])

    assert [outcome.applied for outcome in outcomes] == [False, True, True]
    row = OperatorAction.objects.latest("pk")
    assert (row.status, row.count, row.applied, row.targets.count()) == ("done", 3, 2, 3)
    assert on_jobs.told_of_many(Verb.CANCEL, 2, 3) == "Cancelled: 2. Moved on before, or gone: 1."


@pytest.mark.parametrize("count", [0, 1_001])
def test_a_choice_has_bounds(jobs: Jobs, operator: Actor, count: int) -> None:
    with pytest.raises(InvalidInput, match="1000"):
        on_jobs.act_on(operator, Verb.CANCEL, [JobRef("default", new_raw()) for _ in range(count)])


def test_what_a_query_finds_is_acted_on_in_chunks_up_to_the_most(jobs: Jobs, operator: Actor) -> None:
    for number in range(450):
        jobs.enqueue("add", a=number)

    applied = on_jobs.act_on_found(operator, Verb.CANCEL, PageQuery(state=State.PENDING), most=430)

    assert applied == 430
    assert jobs.stats()[0].states[State.PENDING] == 20
    row = OperatorAction.objects.get()
    assert (row.count, row.applied, row.filter) == (430, 430, "state:pending limit:430")
    assert row.targets.filter(applied=True).count() == 430


def test_pause_resume_and_purge_are_audited(jobs: Jobs, operator: Actor) -> None:
    jobs.enqueue("add", a=1)

    queues.pause(operator, "default", reason="deploy")
    assert jobs.stats()[0].is_paused
    queues.resume(operator, "default")
    assert not jobs.stats()[0].is_paused
    assert queues.purge(operator, "default", State.PENDING) == 1

    told = OperatorAction.objects.order_by("pk").values_list("verb", "target", "status", "applied", "outcome")
    assert list(told) == [
        ("pause", "default", "done", 1, ""),
        ("resume", "default", "done", 1, ""),
        ("purge", "default", "done", 1, "1 deleted"),
    ]


def test_an_action_that_is_broken_off_says_how_far_it_came(jobs: Jobs, operator: Actor) -> None:
    for number in range(3):
        jobs.enqueue("add", a=number)
    seen: list[object] = []

    def interrupt(outcome: object) -> None:
        seen.append(outcome)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_jobs.act_on_found(operator, Verb.CANCEL, PageQuery(state=State.PENDING), most=10, progress=interrupt)

    row = OperatorAction.objects.get()
    assert (row.status, row.count, row.applied) == ("unknown", 3, 3)
    assert "KeyboardInterrupt" in row.outcome


def test_a_purge_of_nothing_is_done(jobs: Jobs, operator: Actor) -> None:
    assert queues.purge(operator, "default", State.DEAD) == 0
    assert OperatorAction.objects.get().status == "done"


def test_running_jobs_cannot_be_purged(jobs: Jobs, operator: Actor) -> None:
    with pytest.raises(InvalidInput, match="cancel them"):
        queues.purge(operator, "default", State.RUNNING)


def test_an_unknown_schedule_or_worker_is_an_error_in_the_audit(jobs: Jobs, operator: Actor) -> None:
    with pytest.raises(JobNotFound):
        schedules.switch(operator, "nightly", enabled=False)
    with pytest.raises(JobNotFound):
        workers.stop(operator, "f" * 32)

    assert set(OperatorAction.objects.values_list("status", flat=True)) == {"failed"}


def test_the_audit_is_never_deleted(jobs: Jobs, operator: Actor) -> None:
    queues.pause(operator, "default")

    with pytest.raises(TypeError, match="append-only"):
        OperatorAction.objects.get().delete()


@pytest.mark.parametrize("reason", ["a\x00b", "\ud800", "x" * 501])
def test_a_reason_that_cannot_be_stored_is_refused_before_anything_is_written(
    jobs: Jobs, operator: Actor, reason: str
) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        queues.pause(operator, "default", reason=reason)

    assert not OperatorAction.objects.exists()


def test_the_audit_is_append_only(jobs: Jobs, operator: Actor) -> None:
    queues.pause(operator, "mail")
    row = OperatorAction.objects.get()
    row.reason = "I was never here"

    for rewrite in (row.save, row.delete, OperatorAction.objects.all().delete):
        with pytest.raises(TypeError, match="append-only"):
            rewrite()
    assert OperatorAction.objects.get().reason == ""
