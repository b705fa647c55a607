"""Jobs by the browser: what is shown, and what a button does, with and without htmx."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from core.backends.contract import Exchange, Note
from core.model.ident import JobRef
from core.model.outcome import Charge, Outcome
from core.model.progress import pack_checkpoint, pack_progress
from core.model.states import State
from core.testing import TestJobs
from jobs_dashboard.models import OperatorAction

from .conftest import FRAGMENT, HOSTILE

pytestmark = pytest.mark.django_db

STATES = ("pending", "running", "failed", "dead", "scheduled", "held", "completed", "cancelled")
MOVES = [
    ("retry", "scheduled", "pending"),
    ("retry", "failed", "pending"),
    ("retry", "dead", "pending"),
    ("retry", "cancelled", "pending"),
    ("cancel", "pending", "cancelled"),
    ("cancel", "scheduled", "cancelled"),
    ("cancel", "failed", "cancelled"),
    ("cancel", "dead", "cancelled"),
    ("cancel", "running", "running"),
    ("discard", "pending", "cancelled"),
    ("discard", "dead", "cancelled"),
]
CONFLICTS = [
    ("retry", "pending"),
    ("retry", "running"),
    ("cancel", "completed"),
    ("cancel", "cancelled"),
    ("discard", "running"),
    ("discard", "completed"),
]


@pytest.mark.parametrize("state", STATES)
def test_a_list_of_every_state_opens(state: str, operator: Client) -> None:
    assert operator.get("/jobs/", {"state": state}).status_code == 200


@pytest.mark.parametrize(("verb", "before", "after"), MOVES)
def test_a_button_works_as_a_plain_form(
    verb: str, before: str, after: str, operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    made = job_in(before)
    answer = operator.post(f"/jobs/{made}/{verb}/", {"next": f"/jobs/?state={before}"})
    assert (answer.status_code, answer["Location"]) == (302, f"/jobs/?state={before}")
    assert jobs.get(made).state == after
    row = OperatorAction.objects.get()
    assert (row.verb, row.target, row.status, row.actor_name, row.door) == (verb, made, "done", "operator", "dashboard")
    assert len(list(get_messages(answer.wsgi_request))) == 1


def test_retrying_a_completed_job_makes_a_linked_one(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    made = job_in("completed")
    operator.post(f"/jobs/{made}/retry/")
    [copy] = jobs.recent(state="pending")
    assert copy.options.parent == made
    assert jobs.get(made).state == "completed"
    assert made.rpartition("~")[2][5:14] in operator.get(f"/jobs/{copy.id}/").content.decode()


@pytest.mark.parametrize(("verb", "state"), CONFLICTS)
@pytest.mark.parametrize("headers", [{}, {**FRAGMENT, "HX-Target": "live"}, {**FRAGMENT, "HX-Target": "job-x"}])
def test_a_job_that_moved_on_is_409_with_the_job_as_it_is_now(
    verb: str, state: str, headers: dict[str, str], operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    made = job_in(state)
    answer = operator.post(f"/jobs/{made}/{verb}/", headers=headers)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "is-bad" in page
    assert state in page.lower()
    assert made in page
    assert jobs.get(made).state == state
    assert OperatorAction.objects.get().status == "conflict"


def test_htmx_gets_row_counts_and_toast_together(operator: Client, job_in: Callable[..., str]) -> None:
    made = job_in("failed")
    answer = operator.post(
        f"/jobs/{made}/cancel/",
        headers={**FRAGMENT, "HX-Target": "job-1", "HX-Current-URL": "http://testserver/jobs/?state=failed"},
    )
    page = answer.content.decode()
    assert page.lstrip().startswith("<tr ")
    assert "is-changed" in page
    assert 'id="tabs"' in page
    assert 'hx-swap-oob="true"' in page
    assert 'id="toasts" hx-swap-oob="beforeend"' in page
    assert f'action="/jobs/{made}/retry/"' in page, "the way back"
    assert "<html" not in page


def test_undo_brings_a_cancelled_job_back(operator: Client, jobs: TestJobs, job_in: Callable[..., str]) -> None:
    made = job_in("pending")
    operator.post(f"/jobs/{made}/cancel/")
    answer = operator.post(f"/jobs/{made}/retry/", headers=FRAGMENT)
    assert jobs.get(made).state == "pending"
    assert "live:now" in answer["HX-Trigger-After-Settle"]


@pytest.mark.parametrize("state", ["scheduled", "failed", "dead"])
def test_undo_is_not_offered_where_it_would_run_the_job(
    state: str, operator: Client, job_in: Callable[..., str]
) -> None:
    page = operator.post(f"/jobs/{job_in(state)}/discard/", follow=True).content.decode()
    assert f"Discarded: it was {state} and is cancelled now." in page
    assert "Undo" not in page


def test_several_are_counted_first_and_done_when_confirmed(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    made = [job_in("pending") for _ in range(3)]
    asked = operator.post("/jobs/selected/cancel/", {"job": made, "next": "/jobs/"})
    assert asked.status_code == 200
    assert "Cancel 3 jobs" in asked.content.decode()
    assert all(jobs.get(each).state == "pending" for each in made)

    done = operator.post("/jobs/selected/cancel/", {"job": made, "next": "/jobs/", "confirmed": "1"})
    assert (done.status_code, done["Location"]) == (302, "/jobs/")
    assert all(jobs.get(each).state == "cancelled" for each in made)
    row = OperatorAction.objects.get()
    assert (row.count, row.applied, row.targets.count()) == (3, 3, 3)


def test_several_of_which_some_moved_on_say_so(operator: Client, jobs: TestJobs, job_in: Callable[..., str]) -> None:
    made = [job_in("pending"), job_in("cancelled")]
    done = operator.post("/jobs/selected/cancel/", {"job": made, "confirmed": "1"}, headers=FRAGMENT)
    assert "1" in done.content.decode()
    assert "Moved on" in done.content.decode()
    assert "dialog:close" in done["HX-Trigger"]


@pytest.mark.parametrize("sent", [[], ["nonsense"], ["default~" + "0" * 23] * 1 + ["../x"]])
def test_a_selection_that_makes_no_sense_is_400(sent: list[str], operator: Client) -> None:
    assert operator.post("/jobs/selected/cancel/", {"job": sent}).status_code == 400


def test_pages_follow_each_other_by_cursor_and_back(operator: Client, jobs: TestJobs) -> None:
    made = [jobs.enqueue("good").id for _ in range(120)]
    seen, where, pages = [], "/jobs/?state=pending", 0
    while where:
        page = operator.get(where)
        rows = page.context["list"].rows
        seen += [row.id for row in rows]
        pages += 1
        following = page.context["list"].next
        where = f"/jobs/?state=pending&after={following}" if following else ""
    assert (seen, pages) == (made, 3)
    back = operator.get(f"/jobs/?state=pending&before={page.context['list'].previous}")
    assert [row.id for row in back.context["list"].rows] == made[50:100]


def test_a_filter_narrows_by_queue_and_beginning_of_the_task(operator: Client, jobs: TestJobs) -> None:
    jobs.enqueue("good")
    jobs.enqueue("failing")
    jobs.registry.find("good").using(queue="mail").enqueue()
    found = operator.get("/jobs/", {"queue": "mail"}).context["list"].rows
    assert [(row.task, row.queue) for row in found] == [("good", "mail")]
    found = operator.get("/jobs/", {"task": "fail"}).context["list"].rows
    assert [row.task for row in found] == ["failing"]
    missed = operator.get("/jobs/", {"task": "nothing"}).content.decode()
    assert "Clear the filter" in missed


def test_a_pasted_id_leads_to_its_job(operator: Client, job_in: Callable[..., str]) -> None:
    made = job_in("pending")
    assert operator.get("/jobs/", {"q": f" {made} "})["Location"] == f"/jobs/{made}/"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"state": "nonsense"}, 400),
        ({"after": "%%%"}, 400),
        ({"after": "AAAA"}, 400),
        ({"after": "x" * 5000}, 400),
        ({"before": "kw", "after": "kw"}, 400),
        ({"queue": "../etc"}, 400),
        ({"task": "two words"}, 400),
        ({"task": "a" * 300}, 400),
        ({"queue": "\x00"}, 400),
        ({"q": HOSTILE}, 400),
    ],
)
def test_a_query_that_makes_no_sense_is_400(query: dict[str, str], status: int, operator: Client) -> None:
    answer = operator.get("/jobs/", query)
    assert answer.status_code == status
    assert "<script>alert" not in answer.content.decode()


@pytest.mark.parametrize("job_id", ["nonsense", "default~", "default~zz", "a" * 5000, "default~" + "v" * 23, "%00"])
def test_an_id_that_is_none_is_400(job_id: str, operator: Client) -> None:
    assert operator.get(f"/jobs/{job_id}/").status_code == 400


def test_an_id_of_nothing_is_404(operator: Client) -> None:
    assert operator.get(f"/jobs/default~{'0' * 23}/").status_code == 404
    assert operator.post(f"/jobs/default~{'0' * 23}/cancel/").status_code == 404


def test_hostile_text_is_shown_as_text(operator: Client, jobs: TestJobs) -> None:
    failed = jobs.enqueue("failing", note=HOSTILE).id
    done = jobs.enqueue("good", note=HOSTILE).id
    jobs.drain()
    for where in ("/jobs/?state=failed", f"/jobs/{failed}/", f"/jobs/{done}/"):
        page = operator.get(where).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "{{7*7}}" in page
        assert "\u202e" not in page
        assert "\x1b" not in page
        assert "49" not in page.partition("alert")[2][:40]


def test_secrets_are_masked_wherever_arguments_are_shown(operator: Client, jobs: TestJobs) -> None:
    made = jobs.enqueue("secret", user="ada", api_token="t0ps3cret", nested={"password": "hunter2", "city": "Ulm"}).id
    for where in ("/jobs/?state=pending", f"/jobs/{made}/"):
        page = operator.get(where).content.decode()
        assert "t0ps3cret" not in page
        assert "hunter2" not in page
        assert "ada" in page
        assert "Ulm" in page


def test_a_password_inside_an_argument_is_masked(operator: Client, jobs: TestJobs) -> None:
    made = jobs.enqueue("good", note="redis://user:hunter2@there/0").id
    for where in ("/jobs/?state=pending", f"/jobs/{made}/"):
        page = operator.get(where).content.decode()
        assert "hunter2" not in page
        assert "there/0" in page


@pytest.mark.parametrize("told", ["http://[::1", "//[x", "\x00", "http://testserver/jobs/?" + "a" * 100_000])
def test_a_page_that_is_no_address_does_no_harm(operator: Client, job_in: Callable[..., str], told: str) -> None:
    made = job_in("failed")
    answer = operator.post(f"/jobs/{made}/cancel/", headers={**FRAGMENT, "HX-Target": "job-1", "HX-Current-URL": told})
    assert answer.status_code == 200


def test_a_job_page_shows_payload_attempts_error_and_what_people_did(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    made = job_in("dead", note="Grace")
    operator.post(f"/jobs/{made}/retry/")
    jobs.drain()
    page = operator.get(f"/jobs/{made}/").content.decode()
    for text in ("Grace", "no such customer", "Traceback", "Attempt 2", "Retry</strong> by operator"):
        assert text in page, text


def test_a_viewer_sees_no_button_it_may_not_use(viewer: Client, job_in: Callable[..., str]) -> None:
    made = job_in("failed")
    for where in ("/jobs/?state=failed", f"/jobs/{made}/", "/queues/", "/queues/default/", "/schedules/"):
        page = viewer.get(where).content.decode()
        assert "/retry/" not in page
        assert "/pause/" not in page
        assert 'type="checkbox"' not in page


def test_a_job_page_shows_progress_checkpoint_and_log(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    ref = JobRef.parse(job_in("running"))
    [stored] = jobs.backend.get([ref])
    assert stored is not None
    progress = pack_progress(3, 4, HOSTILE)
    jobs.backend.note(ref.queue, [Note(ref.raw, stored.token, progress, pack_checkpoint(7), HOSTILE.encode())])

    page = operator.get(f"/jobs/{ref}/").content.decode()

    assert '<progress max="1" value="0.7500" aria-labelledby="progress"></progress>' in page
    assert '<span id="progress-text">3 of 4: ' in page
    assert 'id="log-lines"' in page
    assert 'id="checkpoint"' in page
    assert HOSTILE not in page


def test_a_job_page_says_how_often_a_job_killed_its_process(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    ref = JobRef.parse(job_in("running"))
    [stored] = jobs.backend.get([ref])
    assert stored is not None
    crashed = Outcome(ref.raw, stored.token, State.DEAD, charge=Charge.CRASHED, reason="its process died")
    jobs.backend.exchange(Exchange(queue=ref.queue, worker="watcher", call=1, outcomes=[crashed]))

    page = operator.get(f"/jobs/{ref}/").content.decode()

    assert "its worker died 1 time; its process died 1 time while it ran alone" in page
