"""Enqueue, look and act over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError
from django.utils import timezone

from core.app import Jobs
from core.backends.contract import Exchange, Note
from core.errors import StoreFull, StoreUnavailable
from core.model.progress import pack_checkpoint, pack_progress
from core.model.states import State
from jobs_dashboard.models import ApiToken, JobRecord, OperatorAction
from jobs_dashboard.models.api_token import Scope
from tests.doors.api.conftest import Caller, assert_problem

pytestmark = pytest.mark.django_db


def test_a_job_is_accepted_with_its_id_state_message_and_url(jobs: Jobs, caller: Caller) -> None:
    response = caller.post("/jobs", {"task": "shop.add", "arguments": {"a": 1}, "metadata": {"user_id": 7}})

    assert response.status_code == 202
    told = response.json()
    assert told.keys() == {"id", "state", "message", "url"}
    assert told["state"] == "pending"
    assert told["url"] == response["Location"] == f"/api/v1/jobs/{told['id']}"
    stored = jobs.get(told["id"])
    assert (stored.task, stored.arguments, stored.metadata) == ("shop.add", {"a": 1}, {"user_id": 7})


def test_every_option_reaches_the_job(jobs: Jobs, caller: Caller) -> None:
    sent = {
        "task": "shop.add",
        "payload": {"a": 1},
        "queue": "slow",
        "priority": -5,
        "run_at": "2050-01-01T00:00:00+01:00",
        "max_attempts": 9,
        "timeout": 2.5,
        "unique_key": "k",
    }

    told = caller.post("/jobs", sent).json()

    stored = jobs.get(told["id"])
    assert told["state"] == stored.state == "scheduled"
    assert (stored.queue, stored.priority, stored.max_attempts) == ("slow", -5, 9)
    assert stored.due_at.isoformat() == "2049-12-31T23:00:00+00:00"
    assert stored.options.timeout_ms == 2500


def test_a_unique_key_that_is_taken_answers_the_job_that_holds_it(jobs: Jobs, caller: Caller) -> None:
    sent = {"task": "shop.add", "arguments": {"a": 1}, "unique_key": "k"}
    first, second = caller.post("/jobs", sent).json(), caller.post("/jobs", sent).json()

    assert second["id"] == first["id"]
    assert "nothing was stored" in second["message"]


def test_a_job_tells_its_state_attempts_timestamps_error_and_result(jobs: Jobs, caller: Caller) -> None:
    job = jobs.enqueue("shop.note", password="hunter2", to="ann")

    told = caller.get(f"/jobs/{job.id}").json()

    fields = "id task queue state attempts max_attempts created_at started_at finished_at error result history"
    assert set(fields.split()) <= told.keys()
    assert (told["id"], told["state"], told["attempts"], told["max_attempts"]) == (job.id, "pending", 0, 4)
    assert told["arguments"]["to"] == "ann"
    assert "hunter2" not in str(told), "values under names like secrets are masked"


def test_a_job_that_its_store_let_go_is_told_from_history(jobs: Jobs, caller: Caller) -> None:
    id, now = "default~00q40g78ctg00233dkdjv2l", timezone.now()
    JobRecord.objects.create(
        job_id=id, queue="default", task="shop.add", state="dead", attempts=4, enqueued_at=now, updated_at=now
    )

    told = caller.get(f"/jobs/{id}").json()

    assert (told["state"], told["attempts"], told["from_history"], told["arguments"]) == ("dead", 4, True, None)


def test_a_job_that_never_was_is_404(jobs: Jobs, caller: Caller) -> None:
    for response in (
        caller.get("/jobs/default~00q40g78ctg00233dkdjv2l"),
        caller.post("/jobs/default~00q40g78ctg00233dkdjv2l/retry"),
    ):
        assert_problem(response, 404, "no such job")


def test_cancel_and_retry_are_done_audited_and_told(jobs: Jobs, caller: Caller) -> None:
    job = jobs.enqueue("shop.add", a=1)

    cancelled = caller.post(f"/jobs/{job.id}/cancel", {"reason": "wrong"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    retried = caller.post(f"/jobs/{job.id}/retry")
    assert (retried.status_code, retried.json()["state"]) == (200, "pending")
    conflict = assert_problem(caller.post(f"/jobs/{job.id}/retry"), 409, "pending")
    assert conflict["state"] == "pending"

    told = OperatorAction.objects.order_by("pk").values_list("verb", "actor_name", "door", "status", "reason")
    assert list(told) == [
        ("cancel", "token shop", "api", "done", "wrong"),
        ("retry", "token shop", "api", "done", ""),
        ("retry", "token shop", "api", "conflict", ""),
    ]


def test_a_list_pages_by_cursor(jobs: Jobs, caller: Caller) -> None:
    ids = [jobs.enqueue("shop.add", a=number).id for number in range(5)]

    first = caller.get("/jobs?state=pending&limit=3").json()
    second = caller.get(f"/jobs?state=pending&limit=3&after={first['next']}").json()

    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids
    assert second["next"] is None


def test_stats_have_the_form_of_jobstats(jobs: Jobs, caller: Caller) -> None:
    jobs.enqueue("shop.add", a=1)

    told = caller.get("/stats").json()

    states = ["pending", "scheduled", "held", "running", "failed", "dead", "completed", "cancelled"]
    assert list(told) == ["total", "queues", "total_jobs", "last_processed"]
    assert list(told["total"]) == states
    assert (told["total"]["pending"], told["queues"]["default"]["pending"], told["total_jobs"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("error", "kind"), [(StoreUnavailable("refused"), "store-unavailable"), (StoreFull("oom"), "store-full")]
)
def test_a_store_that_says_no_is_503_and_when_to_come_back(
    jobs: Jobs, caller: Caller, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def refuse(*_: object) -> None:
        raise error

    for verb in ("enqueue", "get", "counts", "act"):
        monkeypatch.setattr(jobs.backend, verb, refuse)

    for response in (
        caller.post("/jobs", {"task": "shop.add", "arguments": {"a": 1}}),
        caller.get("/jobs/default~00q40g78ctg00233dkdjv2l"),
        caller.get("/stats"),
        caller.post("/jobs/default~00q40g78ctg00233dkdjv2l/retry"),
    ):
        assert_problem(response, 503, kind)
        assert response["Retry-After"] == "1"


def test_a_database_that_is_away_is_503(jobs: Jobs, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_text: str) -> None:
        raise DatabaseError("connection refused at 10.0.0.5")

    monkeypatch.setattr(ApiToken, "named_by", away)

    told = assert_problem(caller.get("/stats"), 503, "database")
    assert "10.0.0.5" not in str(told)


def test_a_fault_of_ours_is_logged_and_told_without_its_details(
    jobs: Jobs, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(jobs, "stats", broken)

    told = assert_problem(caller.get("/stats"), 500)
    assert "secret" not in str(told)


def test_every_answer_is_private_and_harmless(jobs: Jobs, caller: Caller) -> None:
    for response in (caller.get("/stats"), caller.get("/nowhere"), Caller().get("/stats")):
        assert response["Cache-Control"] == "no-store"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response["Content-Security-Policy"]


def test_the_description_is_for_those_who_may_come_in(
    jobs: Jobs, caller: Caller, signed_in: Callable[..., Caller]
) -> None:
    assert Caller().get("/openapi.json").status_code == 302
    told = caller.get("/openapi.json").json()
    assert {"/api/v1/jobs", "/api/v1/jobs/{id}", "/api/v1/jobs/{id}/retry", "/api/v1/stats"} <= told["paths"].keys()
    sent = told["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"task", "arguments", "queue", "run_at"} <= sent["properties"].keys()
    page = signed_in("view_jobs").get("/docs")
    assert page.status_code == 200
    assert "cdn" not in page.content.decode()


def test_states_in_answers_are_those_of_the_engine(jobs: Jobs, caller: Caller) -> None:
    for state in State:
        assert caller.get(f"/jobs?state={state}").status_code == 200


def test_an_enqueue_needs_no_other_scope(jobs: Jobs, by_token: Callable[..., Caller]) -> None:
    assert by_token(Scope.ENQUEUE).post("/jobs", {"task": "shop.add", "arguments": {"a": 1}}).status_code == 202


def test_a_job_tells_what_its_handler_noted(jobs: Jobs, caller: Caller) -> None:
    job = jobs.enqueue("shop.note", to="ann")
    [claim] = jobs.backend.exchange(Exchange(queue="mail", worker="a" * 32, call=1, want=1)).claims
    progress = pack_progress(3, 4, "pages")
    jobs.backend.note("mail", [Note(claim.raw, claim.token, progress, pack_checkpoint({"token": "hunter2"}), b"one\n")])

    told = caller.get(f"/jobs/{job.id}").json()

    assert told["progress"] == {"done": 3, "total": 4, "message": "pages", "ratio": 0.75}
    assert told["log"] == "one\n"
    assert list(told["checkpoint"]) == ["token"]
    assert "hunter2" not in str(told)
