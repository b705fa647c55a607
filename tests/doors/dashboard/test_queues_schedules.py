"""Queues and schedules by the browser: pause, resume, on, off, now; and the audit that tells of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from core.model.schedule import ScheduleSpec, pack_spec
from core.testing import TestJobs
from jobs_dashboard.models import OperatorAction

from .conftest import FRAGMENT, HOSTILE

pytestmark = pytest.mark.django_db


@pytest.fixture
def nightly(jobs: TestJobs) -> str:
    spec = pack_spec(ScheduleSpec(task="good", cron="0 2 * * *", timezone="Europe/Berlin", arguments={"note": "n"}))
    jobs.backend.put_schedule("reports", "reports/nightly", spec, enabled=True)
    return "reports/nightly"


def entry(jobs: TestJobs, key: str) -> bool:
    return jobs.control.schedule(key).enabled


@pytest.mark.parametrize("headers", [{}, {**FRAGMENT, "HX-Target": "queue-default"}, {**FRAGMENT, "HX-Target": "live"}])
def test_a_queue_is_paused_with_a_reason_and_opened_again(
    headers: dict[str, str], operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    job_in("pending")
    paused = operator.post("/queues/default/pause/", {"reason": "disk is full", "next": "/queues/"}, headers=headers)
    assert paused.status_code == (200 if headers else 302)
    [counts] = jobs.stats()
    assert (counts.is_paused, counts.paused_reason) == (True, "disk is full")
    assert "disk is full" in operator.get("/queues/").content.decode()
    assert "Resume" in operator.get("/queues/default/").content.decode()

    operator.post("/queues/default/resume/", headers=headers)
    assert not jobs.stats()[0].is_paused
    assert list(OperatorAction.objects.order_by("id").values_list("verb", "status")) == [
        ("pause", "done"),
        ("resume", "done"),
    ]


def test_a_reason_that_is_too_long_is_400_and_a_hostile_one_is_text(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    job_in("pending")
    assert operator.post("/queues/default/pause/", {"reason": "x" * 501}).status_code == 400
    assert not jobs.stats()[0].is_paused
    operator.post("/queues/default/pause/", {"reason": "<script>alert(1)</script>"})
    assert "<script>alert" not in operator.get("/queues/").content.decode()
    operator.post("/queues/default/pause/", {"reason": "turned \u202e and \x1b[31m red"})
    for where in ("/", "/queues/", "/queues/default/", "/audit/"):
        page = operator.get(where).content.decode()
        assert "\\u202e and \\u001b[31m red" in page, where
        assert "\u202e" not in page
        assert "\x1b" not in page


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_queue_that_never_was_cannot_be_paused(verb: str, operator: Client) -> None:
    assert operator.post(f"/queues/nowhere/{verb}/").status_code == 404
    assert operator.get("/queues/nowhere/").status_code == 404
    assert operator.get("/queues/a%20b/").status_code == 400
    assert operator.get(f"/queues/{'q' * 1000}/").status_code == 400


def test_a_schedule_is_told_in_words_with_its_zone(operator: Client, nightly: str) -> None:
    page = operator.get("/schedules/").content.decode()
    for text in ("At 02:00", "0 2 * * *", "Europe/Berlin", "reports/nightly", 'aria-checked="true"'):
        assert text in page, text


@pytest.mark.parametrize("headers", [{}, {**FRAGMENT, "HX-Target": "schedule-x"}])
def test_a_schedule_is_switched_off_and_on(
    headers: dict[str, str], operator: Client, jobs: TestJobs, nightly: str
) -> None:
    off = operator.post(f"/schedules/{nightly}/disable/", {"next": "/schedules/"}, headers=headers)
    assert off.status_code == (200 if headers else 302)
    assert not entry(jobs, nightly)
    assert 'aria-checked="false"' in operator.get("/schedules/").content.decode()
    operator.post(f"/schedules/{nightly}/enable/", headers=headers)
    assert entry(jobs, nightly)


@pytest.mark.parametrize("headers", [{}, {**FRAGMENT, "HX-Target": "schedule-x"}])
def test_a_schedule_runs_now_as_one_job(
    headers: dict[str, str], operator: Client, jobs: TestJobs, nightly: str
) -> None:
    operator.post(f"/schedules/{nightly}/run/", headers=headers)
    [made] = jobs.recent(state="pending")
    assert (made.queue, made.options.schedule) == ("reports", nightly)


def test_a_schedule_that_is_not_there_is_404(operator: Client) -> None:
    for verb in ("enable", "disable", "run"):
        assert operator.post(f"/schedules/none/{verb}/").status_code == 404


def test_the_audit_tells_who_did_what_and_pages_by_number(operator: Client, jobs: TestJobs, nightly: str) -> None:
    for _ in range(30):
        operator.post(f"/schedules/{nightly}/disable/")
        operator.post(f"/schedules/{nightly}/enable/")
    first = operator.get("/audit/")
    assert len(first.context["audit"].rows) == 50
    older = operator.get("/audit/", {"before": first.context["audit"].next})
    assert len(older.context["audit"].rows) == 10
    assert "operator" in older.content.decode()
    for wrong in ("x", "-1", str(1 << 63), HOSTILE):
        assert operator.get("/audit/", {"before": wrong}).status_code == 400
