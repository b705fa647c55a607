"""Who gets in where: every route, every role, every method, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from core.testing import TestJobs
from jobs_dashboard import urls
from jobs_dashboard.models import OperatorAction
from jobs_dashboard.views.headers import CONTENT_POLICY

pytestmark = pytest.mark.django_db

OPEN = {"livez", "readyz", "healthz", "login"}
PAGES = {"overview", "jobs", "job", "queues", "queue", "schedules", "workers", "audit"}
OWN = {"logout", "display"}
ACTIONS = {"act", "act_on_selected", "pause", "resume", "enable", "disable", "run_now", "quiet", "stop"}


def names() -> list[str]:
    return sorted(str(pattern.name) for pattern in urls.urlpatterns if isinstance(pattern, URLPattern))


def address(name: str, job_id: str) -> str:
    needs = {
        "job": {"id": job_id},
        "act": {"id": job_id, "verb": "cancel"},
        "act_on_selected": {"verb": "cancel"},
        "queue": {"name": "default"},
        "pause": {"name": "default"},
        "resume": {"name": "default"},
        "enable": {"key": "nightly"},
        "disable": {"key": "nightly"},
        "run_now": {"key": "nightly"},
        "quiet": {"id": "a" * 32},
        "stop": {"id": "a" * 32},
    }
    return reverse(f"jobs:{name}", kwargs=needs.get(name))


def test_every_route_stands_in_this_table() -> None:
    assert set(names()) == OPEN | PAGES | OWN | ACTIONS


@pytest.mark.parametrize("name", names())
def test_a_stranger_sees_only_health_and_login(name: str, jobs: TestJobs, job_in: Callable[..., str]) -> None:
    where = address(name, job_in("pending"))
    client = Client()
    if name in OPEN:
        assert client.get(where).status_code == 200
        return
    answer = client.get(where) if name in PAGES else client.post(where)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("jobs:login"))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_open_to_viewers_and_closed_to_those_without_the_permission(
    name: str, person: Callable[[str], Client], jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    where = address(name, job_in("pending"))
    assert person("viewer").get(where).status_code == 200
    assert person("stranger").get(where).status_code == 403


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_is_post_only_wants_a_token_and_is_refused_to_viewers(
    name: str, person: Callable[[str], Client], jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    made = job_in("pending")
    where = address(name, made)
    operator = person("operator")
    assert operator.get(where).status_code == 405

    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(where, {"job": made}).status_code == 403

    assert person("viewer").post(where, {"job": made}).status_code == 403
    assert OperatorAction.objects.get().status == "refused"
    assert jobs.get(made).state == "pending"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_only_reads(name: str, operator: Client, job_in: Callable[..., str]) -> None:
    assert operator.post(address(name, job_in("pending"))).status_code == 405


@pytest.mark.parametrize("name", sorted(OPEN | PAGES))
def test_every_answer_carries_the_policy_and_is_not_stored(
    name: str, operator: Client, job_in: Callable[..., str]
) -> None:
    client = Client() if name in OPEN else operator
    answer = client.get(address(name, job_in("pending")))
    assert answer["Content-Security-Policy"] == CONTENT_POLICY
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "HX-Request" in answer["Vary"]
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_page_has_inline_script_or_style(name: str, operator: Client, job_in: Callable[..., str]) -> None:
    page = operator.get(address(name, job_in("failed"))).content.decode()
    assert "<script>" not in page
    assert " style=" not in page
    assert "<style" not in page
    assert "hx-on" not in page
    assert "javascript:" not in page
    for attribute in ("onclick", "onload", "onchange", "onsubmit"):
        assert attribute not in page


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_part_whose_session_ended_gets_401_and_no_login_page(name: str, jobs: TestJobs) -> None:
    answer = Client().get(address(name, "default~00000000000000000000000"), headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert b"<form" not in answer.content


def test_an_action_whose_session_ended_does_nothing(jobs: TestJobs, job_in: Callable[..., str]) -> None:
    made = job_in("pending")
    answer = Client().post(address("act", made), headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert jobs.get(made).state == "pending"


def test_signing_in_leads_to_where_one_wanted_to_go(person: Callable[[str], Client], jobs: TestJobs) -> None:
    person("viewer")
    sent = {"username": "viewer", "password": "a-long-password"}
    assert Client().post("/login/?next=/queues/", {**sent, "next": "/queues/"})["Location"] == "/queues/"
    assert Client().post("/login/", {**sent, "next": "https://evil.example/"})["Location"] == "/"


def test_a_wrong_password_is_told_without_saying_which_part_is_wrong(db: None) -> None:
    answer = Client().post("/login/", {"username": "nobody", "password": "wrong"})
    assert answer.status_code == 200
    assert b'role="alert"' in answer.content


def test_theme_and_zone_are_remembered_by_this_browser(operator: Client) -> None:
    answer = operator.post("/display/", {"theme": "dark", "zone": "Europe/Berlin", "next": "/queues/"})
    assert answer["Location"] == "/queues/"
    page = operator.get("/").content.decode()
    assert 'data-theme="dark"' in page
    assert "Europe/Berlin" in page
    operator.post("/display/", {"theme": "<b>", "zone": "Mars/Olympus"})
    assert "data-theme" not in operator.get("/").content.decode()


def test_a_form_never_leads_to_another_site(operator: Client, job_in: Callable[..., str]) -> None:
    for target in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert operator.post("/display/", {"next": target})["Location"] == "/"
