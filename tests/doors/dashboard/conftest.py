"""A store in memory behind the pages, people of each role, and jobs in the state a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from core.backends.contract import Exchange
from core.errors import PermanentError
from core.model.states import State
from core.tasks.registry import Registry
from core.testing import TestJobs
from jobs_dashboard.bridge.wiring import use
from jobs_dashboard.queries import snapshot

HOSTILE = "<script>alert(1)</script>{{7*7}}\x1b[31m\u202e"
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hashing that is meant to be slow would be most of the time of these tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def jobs() -> Iterator[TestJobs]:
    """A Jobs of this test alone; its tasks succeed, fail or give up by their name."""
    registry = Registry()
    with use(TestJobs(registry=registry)) as held:
        held.register("good", lambda note="": {"note": note})
        held.register("failing", _fail)
        held.register("doomed", _give_up)
        held.register("secret", _take_secrets)
        snapshot.forget()
        yield held
    snapshot.forget()


@pytest.fixture
def job_in(jobs: TestJobs) -> Callable[..., str]:
    """Make a job and bring it into a state; answers its public id."""

    def make(state: State | str, **arguments: Any) -> str:
        task = {"failed": "failing", "dead": "doomed"}.get(state, "good")
        if state == "running":
            return _claimed(jobs)
        if state == "scheduled":
            return jobs.registry.find("good").using(delay=3600).enqueue().id
        made = jobs.enqueue(task, **arguments).id
        if state in ("failed", "dead", "completed"):
            jobs.drain()
        if state == "cancelled":
            jobs.cancel(made)
        assert jobs.get(made).state == state
        return made

    return make


@pytest.fixture
def person(db: None) -> Callable[[str], Client]:
    """A client signed in as somebody of a role: stranger, viewer, operator or admin."""

    def sign_in(role: str) -> Client:
        user = get_user_model().objects.create_user(role, password="a-long-password")
        codename = {"viewer": "view_jobs", "operator": "operate_jobs", "admin": "administer_jobs"}.get(role)
        if codename:
            user.user_permissions.add(Permission.objects.get(codename=codename))
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def operator(person: Callable[[str], Client], jobs: TestJobs) -> Client:
    return person("operator")


@pytest.fixture
def viewer(person: Callable[[str], Client], jobs: TestJobs) -> Client:
    return person("viewer")


def _fail(note: str = "") -> None:
    raise ConnectionError(f"refused {note}")


def _give_up(note: str = "") -> None:
    raise PermanentError(f"no such customer {note}")


def _take_secrets(user: str, api_token: str, nested: dict[str, Any]) -> None:
    """Never run; its arguments are looked at."""


def _claimed(jobs: TestJobs) -> str:
    made = jobs.enqueue("good")
    reply = jobs.backend.exchange(Exchange(queue="default", worker="w", call=1, want=1))
    assert [claim.ref for claim in reply.claims] == [made.ref]
    return made.id
