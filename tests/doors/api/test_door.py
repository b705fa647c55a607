"""Who may come in to the API, with which token or role, and how a refusal is told and kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from core.app import Jobs
from jobs_dashboard.models import ApiToken, OperatorAction
from jobs_dashboard.models.api_token import Scope
from tests.doors.api.conftest import Caller, assert_problem

pytestmark = pytest.mark.django_db

ADD = {"task": "shop.add", "arguments": {"a": 1}}


def every_door(caller: Caller, id: str) -> dict[str, int]:
    """The status of each operation, by name."""
    return {
        "stats": caller.get("/stats").status_code,
        "list": caller.get("/jobs").status_code,
        "show": caller.get(f"/jobs/{id}").status_code,
        "enqueue": caller.post("/jobs", ADD).status_code,
        "discard": caller.post(f"/jobs/{id}/discard").status_code,
        "retry": caller.post(f"/jobs/{id}/retry").status_code,
        "cancel": caller.post(f"/jobs/{id}/cancel").status_code,
    }


@pytest.mark.parametrize(
    ("scope", "open_doors"),
    [
        (Scope.READ, {"stats", "list", "show"}),
        (Scope.ENQUEUE, {"enqueue"}),
        (Scope.OPERATE, {"discard", "retry", "cancel"}),
    ],
)
def test_a_token_opens_the_doors_of_its_scope_only(
    jobs: Jobs, by_token: Callable[..., Caller], scope: Scope, open_doors: set[str]
) -> None:
    found = every_door(by_token(scope), jobs.enqueue("shop.add", a=1).id)

    assert {door for door, status in found.items() if status < 300} == open_doors
    assert {status for status in found.values() if status >= 300} == {403}


def test_nobody_gets_in_without_a_token_or_a_session(jobs: Jobs) -> None:
    found = every_door(Caller(), jobs.enqueue("shop.add", a=1).id)

    # A browser without CSRF token is told of that first; whoever only asks is told who is missing.
    assert {found["stats"], found["list"], found["show"]} == {401}
    assert set(found.values()) <= {401, 403}


def test_who_is_missing_is_told_how_to_come_in(jobs: Jobs) -> None:
    response = Caller().get("/stats")

    assert_problem(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer ", "Bearer jd_", "Bearer jd_00000000_x", "Bearer jd_\u00e9\u00e9_x", "Bearer " + "x" * 5000,
     "Bearer jd_' OR 1=1_x", "Bearer \x00"],
)  # fmt: skip
def test_a_token_that_is_none_is_401(jobs: Jobs, db: None, header: str) -> None:
    assert_problem(Caller(authorization=header).get("/stats"), 401)


def test_a_token_is_none_any_more_when_it_expired_or_was_revoked(jobs: Jobs, by_token: Callable[..., Caller]) -> None:
    caller = by_token(Scope.READ)
    assert caller.get("/stats").status_code == 200

    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_problem(caller.get("/stats"), 401, "expired")
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1), revoked_at=timezone.now())
    assert_problem(caller.get("/stats"), 401, "revoked")


def test_a_tokens_secret_is_not_kept(jobs: Jobs) -> None:
    row, text = ApiToken.issue(name="shop", scopes=[Scope.READ], expires_at=timezone.now())

    assert text.startswith(f"jd_{row.prefix}_")
    secret = text.rpartition("_")[2]
    assert not any(secret in str(value) for value in ApiToken.objects.values().get().values())


def test_a_bad_token_beside_a_good_session_is_refused(jobs: Jobs, signed_in: Callable[..., Caller]) -> None:
    person = signed_in("view_jobs")

    assert person.get("/stats").status_code == 200
    response = person.client.get("/api/v1/stats", headers={"authorization": "Bearer jd_00000000_x"})
    assert_problem(response, 401)


def test_a_session_acts_with_its_csrf_token_only(jobs: Jobs, signed_in: Callable[..., Caller]) -> None:
    person, job = signed_in("operate_jobs"), jobs.enqueue("shop.add", a=1)

    assert_problem(person.post(f"/jobs/{job.id}/cancel"), 403, "CSRF")
    assert jobs.get(job.id).state == "pending"

    token = _csrf_token(person)
    response = person.post(f"/jobs/{job.id}/cancel", headers={"x-csrftoken": token})
    assert response.status_code == 200
    assert OperatorAction.objects.get().actor.username == "vera"


def test_a_viewer_who_acts_is_refused_and_the_refusal_is_kept(jobs: Jobs, signed_in: Callable[..., Caller]) -> None:
    person, job = signed_in("view_jobs"), jobs.enqueue("shop.add", a=1)

    response = person.post(f"/jobs/{job.id}/cancel", headers={"x-csrftoken": _csrf_token(person)})

    assert_problem(response, 403, "operate_jobs")
    row = OperatorAction.objects.get()
    assert (row.status, row.actor_name, row.door) == ("refused", "vera", "api")


def test_a_token_notes_when_it_was_used(jobs: Jobs, by_token: Callable[..., Caller]) -> None:
    by_token(Scope.READ).get("/stats")

    assert ApiToken.objects.get().last_used_at is not None


def test_what_a_person_enqueues_stands_in_the_audit_and_what_a_key_enqueues_does_not(
    jobs: Jobs, by_token: Callable[..., Caller], signed_in: Callable[..., Caller]
) -> None:
    assert by_token(Scope.ENQUEUE).post("/jobs", ADD).status_code == 202
    assert not OperatorAction.objects.exists()
    vera = signed_in("operate_jobs")

    assert vera.post("/jobs", ADD, headers={"x-csrftoken": _csrf_token(vera)}).status_code == 202

    row = OperatorAction.objects.get()
    assert (row.verb, row.target, row.actor_name, row.door, row.status) == (
        "enqueue",
        "shop.add",
        "vera",
        "api",
        "done",
    )


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_the_description_is_for_those_who_may_look(signed_in: Callable[..., Caller], path: str) -> None:
    assert signed_in().get(path).status_code == 403


def _csrf_token(person: Caller) -> str:
    """From the page that explains the API, as a browser gets it."""
    person.client.get("/api/v1/docs")
    return person.client.cookies["jobs_csrf"].value
