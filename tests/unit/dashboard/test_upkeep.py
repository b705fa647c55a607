"""Upkeep: history in bounds, audit entries closed, schedules that outlive their store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core.app import Jobs
from core.backends.memory.backend import MemoryBackend
from core.model.schedule import ScheduleSpec, pack_spec
from jobs_dashboard.bridge.schedules import keep_schedules
from jobs_dashboard.bridge.upkeep import close_left_open, trim_history
from jobs_dashboard.models import AttemptRecord, JobRecord, OperatorAction, ScheduleRecord

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 6, 1, tzinfo=UTC)


def remember(number: int, *, days_ago: int) -> JobRecord:
    at = NOW - timedelta(days=days_ago)
    job = JobRecord.objects.create(
        job_id=f"default~{number:023}", queue="default", task="add", state="dead", enqueued_at=at, updated_at=at
    )
    AttemptRecord.objects.create(job=job, attempt=1, state="dead", claimed_at=at, finished_at=at)
    return job


def test_history_is_kept_for_so_many_days(settings: object) -> None:
    settings.JOBS_HISTORY_DAYS = 90
    remember(1, days_ago=91)
    kept = remember(2, days_ago=89)

    assert trim_history(NOW) == 1
    assert list(JobRecord.objects.all()) == [kept]
    assert list(AttemptRecord.objects.values_list("job", flat=True)) == [kept.job_id]


def test_history_is_kept_to_so_many_jobs_the_newest(settings: object) -> None:
    settings.JOBS_HISTORY_ROWS = 2
    for number in range(5):
        remember(number, days_ago=number)

    trim_history(NOW)

    assert set(JobRecord.objects.values_list("updated_at", flat=True)) >= {NOW, NOW - timedelta(days=1)}
    assert JobRecord.objects.count() <= 3


def test_an_action_nobody_closed_is_closed_as_unknown_and_not_sent_again() -> None:
    row = OperatorAction.objects.create(operation="a", verb="pause", kind="queue", actor_name="olga", door="dashboard")
    young = OperatorAction.objects.create(
        operation="b", verb="pause", kind="queue", actor_name="olga", door="dashboard"
    )
    OperatorAction.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(minutes=6))

    assert close_left_open(timezone.now()) == 1

    row.refresh_from_db()
    young.refresh_from_db()
    assert (row.status, young.status) == ("unknown", "intended")
    assert row.closed_at is not None


def spec(task: str = "add") -> bytes:
    return pack_spec(ScheduleSpec(task=task, cron="0 2 * * *", timezone="Europe/Berlin", arguments={"a": 1}))


def test_schedules_are_remembered_as_the_store_holds_them(jobs: Jobs) -> None:
    jobs.backend.put_schedule("default", "nightly", spec(), enabled=True)
    keep_schedules(jobs.backend)
    jobs.backend.switch_schedule("default", "nightly", enabled=False)
    keep_schedules(jobs.backend)

    row = ScheduleRecord.objects.get()
    assert (row.key, row.cron, row.timezone, row.arguments, row.enabled) == (
        "nightly",
        "0 2 * * *",
        "Europe/Berlin",
        {"a": 1},
        False,
    )


def test_a_schedule_that_was_removed_is_forgotten(jobs: Jobs) -> None:
    jobs.backend.put_schedule("default", "nightly", spec(), enabled=True)
    keep_schedules(jobs.backend)
    jobs.backend.remove_schedule("default", "nightly")

    keep_schedules(jobs.backend)

    assert not ScheduleRecord.objects.exists()


def test_a_lost_store_gets_its_schedules_and_switches_back(jobs: Jobs) -> None:
    jobs.backend.put_schedule("default", "nightly", spec(), enabled=True)
    jobs.backend.put_schedule("default", "hourly", spec(), enabled=True)
    jobs.backend.switch_schedule("default", "nightly", enabled=False)
    keep_schedules(jobs.backend)

    fresh = MemoryBackend()
    fresh.put_schedule("default", "nightly", spec(), enabled=True)  # code was faster to declare it
    keep_schedules(fresh)

    assert {held.key: held.enabled for held in fresh.schedules()} == {"nightly": False, "hourly": True}
    assert {held.spec for held in fresh.schedules()} == {spec()}
