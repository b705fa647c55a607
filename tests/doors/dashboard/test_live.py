"""Live parts: the fragment alone, 204 while it has not changed, a stale page when the store is gone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from core.backends.contract import Exchange
from core.errors import StoreUnavailable
from core.model.worker import WorkerInfo
from core.testing import TestJobs
from core.worker.settlement import unknown_task
from jobs_dashboard.queries import snapshot

from .conftest import FRAGMENT

pytestmark = pytest.mark.django_db

LIVE = ["/", "/jobs/?state=pending", "/queues/", "/queues/default/", "/schedules/", "/workers/"]


def part(client: Client, where: str, hash: str = "") -> tuple[int, str, str]:
    answer = client.get(where, headers={**FRAGMENT, "X-Fragment": hash})
    body = answer.content.decode()
    found = re.search(r'data-hash="([0-9a-f]+)"', body)
    return answer.status_code, body, found[1] if found else ""


@pytest.mark.parametrize("where", LIVE)
def test_a_tick_gets_the_part_alone_and_204_while_nothing_changed(
    where: str, operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    job_in("pending")
    status, body, hash = part(operator, where)
    assert status == 200
    assert body.startswith('<div id="live"')
    assert "<html" not in body
    assert part(operator, where, hash)[0] == 204


def test_a_page_carries_the_hash_of_its_part(operator: Client, jobs: TestJobs, job_in: Callable[..., str]) -> None:
    job_in("pending")
    page = operator.get("/").content.decode()
    held = re.search(r'data-hash="([0-9a-f]+)"', page)
    assert held is not None
    assert part(operator, "/", held[1])[0] == 204


def test_a_change_is_seen_by_the_next_tick(operator: Client, jobs: TestJobs, job_in: Callable[..., str]) -> None:
    made = job_in("pending")
    _, _, hash = part(operator, "/jobs/?state=pending")
    operator.post(f"/jobs/{made}/cancel/")
    status, body, _ = part(operator, "/jobs/?state=pending", hash)
    assert status == 200
    assert made not in body


def test_the_counters_are_the_stores_own(operator: Client, jobs: TestJobs, job_in: Callable[..., str]) -> None:
    job_in("dead")
    job_in("failed")
    for _ in range(3):
        job_in("pending")
    snapshot.forget()
    page = operator.get("/").content.decode()
    counts = dict(re.findall(r'id="count-(\w+)">([\d,]+)<', page))
    assert counts == {
        "pending": "3",
        "running": "0",
        "failed": "1",
        "dead": "1",
        "scheduled": "0",
        "held": "0",
        "completed": "0",
        "cancelled": "0",
    }


def test_without_workers_the_verdict_says_so(operator: Client, job_in: Callable[..., str]) -> None:
    job_in("pending")
    snapshot.forget()
    page = operator.get("/").content.decode()
    assert "no worker runs" in page.lower()


def test_workers_that_are_all_quiet_are_no_workers(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    waiting = job_in("pending")
    jobs.backend.beat(WorkerInfo(id="a" * 32, slots=4, quiet=True))
    snapshot.forget()
    assert "1 problem: every worker is quiet" in _words(operator, "/")
    assert "running? No living worker claims from the queue default." in _words(operator, f"/jobs/{waiting}/")


def test_jobs_that_nobody_knows_are_a_problem(operator: Client, jobs: TestJobs) -> None:
    jobs.enqueue("good")
    jobs.backend.beat(WorkerInfo(id="a" * 32, slots=4))
    [claim] = jobs.backend.exchange(Exchange(queue="default", worker="w", call=1, want=1)).claims
    jobs.backend.exchange(Exchange(queue="default", worker="w", call=2, want=0, outcomes=(unknown_task(claim),)))
    snapshot.forget()
    assert "1 problem: jobs are held until a worker knows the task good" in _words(operator, "/")


def test_the_page_of_a_waiting_job_says_what_it_waits_for(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str]
) -> None:
    waiting = f"/jobs/{job_in('pending')}/"
    snapshot.forget()
    asked = "Why isn’t this running?"
    assert f"{asked} No living worker claims from the queue default." in _words(operator, waiting)
    jobs.backend.beat(WorkerInfo(id="a" * 32, slots=1, tasks=("good",)))
    snapshot.forget()
    assert f"{asked} It is the next to be claimed." in _words(operator, waiting)
    jobs.backend.beat(WorkerInfo(id="a" * 32, slots=1, tasks=("good",), running=("default~1",)))
    snapshot.forget()
    assert "It is the next to be claimed. Every slot that may take it is busy." in _words(operator, waiting)
    operator.post("/queues/default/pause/", {"reason": "disk is full"})
    assert f"{asked} Its queue default is paused (disk is full)." in _words(operator, waiting)


def _words(client: Client, path: str) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub("<[^>]*>", " ", client.get(path).content.decode()).split())


class Gone:
    """A store that does not answer."""

    def __getattr__(self, name: str) -> object:
        raise StoreUnavailable("connection refused")


@pytest.fixture
def store_is_down(
    operator: Client, jobs: TestJobs, job_in: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Client:
    job_in("pending")
    snapshot.forget()
    operator.get("/")
    monkeypatch.setattr(jobs, "backend", Gone())
    snapshot.forget()
    return operator


@pytest.mark.parametrize("where", [*LIVE, "/jobs/default~00000000000000000000000/"])
def test_without_a_store_a_page_is_503_in_its_frame(where: str, store_is_down: Client) -> None:
    answer = store_is_down.get(where)
    assert answer.status_code == 503
    page = answer.content.decode()
    assert "cannot be reached" in page
    assert "Last known numbers" in page
    assert 'class="rail"' in page


def test_without_a_store_a_tick_is_503_and_no_page(store_is_down: Client) -> None:
    answer = store_is_down.get("/", headers=FRAGMENT)
    assert answer.status_code == 503
    assert "<" not in answer.content.decode()


def test_without_a_store_the_process_is_ready_and_jobs_are_unhealthy(store_is_down: Client) -> None:
    anyone = Client()
    assert [anyone.get(f"/{word}").status_code for word in ("livez", "readyz", "healthz")] == [200, 200, 503]
    assert anyone.get("/healthz").content == b"unhealthy\n"


def test_health_is_one_word_without_a_login(jobs: TestJobs, db: None) -> None:
    anyone = Client()
    assert [anyone.get(f"/{word}").content for word in ("livez", "readyz", "healthz")] == [
        b"ok\n",
        b"ok\n",
        b"degraded\n",
    ]
