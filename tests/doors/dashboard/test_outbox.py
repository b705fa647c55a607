"""The outbox where people see it: beside the services, and in the admin, which sends again what was set aside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from core.model.worker import WorkerInfo
from core.testing import TestJobs
from jobs_dashboard.models import OutboxEntry
from jobs_dashboard.queries import snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(db: None) -> list[OutboxEntry]:
    """One that waits for three minutes, one that was set aside."""
    made = [
        OutboxEntry.objects.create(job_id="default~a", task="good", count=2, packed=b"\x90"),
        OutboxEntry.objects.create(
            job_id="default~b", task="good", count=1, packed=b"\x90", refused_at=timezone.now(), error="<b>no</b>"
        ),
    ]
    OutboxEntry.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    return made


def test_the_services_tell_what_waits(
    operator: Client, jobs: TestJobs, entries: list[OutboxEntry], settings: Any
) -> None:
    settings.JOBS = {"OUTBOX": True}
    jobs.backend.beat(WorkerInfo(id="a" * 32, role="services", tasks=("outbox",)))
    snapshot.forget()

    page = operator.get("/workers/").content.decode()
    assert "2 jobs wait for the store" in page
    assert "1 set aside" in page
    assert "2 jobs lie in the outbox, for 3 min" in operator.get("/").content.decode()


def test_the_admin_shows_the_error_and_sends_again(entries: list[OutboxEntry]) -> None:
    get_user_model().objects.create_superuser("root", password="pw")
    admin = Client()
    admin.force_login(get_user_model().objects.get())
    address = "/admin/jobs_dashboard/outboxentry/"

    assert "&lt;b&gt;no&lt;/b&gt;" in admin.get(address).content.decode()
    assert "packed" not in admin.get(f"{address}{entries[1].pk}/change/").content.decode().lower()
    admin.post(address, {"action": "try_again", "_selected_action": [entry.pk for entry in entries]})

    assert not OutboxEntry.objects.exclude(refused_at=None).exists()
