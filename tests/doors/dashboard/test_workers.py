"""Workers by the browser: an administrator makes one quiet or stops it; nobody else may."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from core.model.worker import WorkerInfo, WorkerOrders
from core.testing import TestJobs
from jobs_dashboard.models import OperatorAction

pytestmark = pytest.mark.django_db
WORKER = WorkerInfo(id="a" * 32, label="big box", slots=4)


@pytest.mark.parametrize(("verb", "orders"), [("quiet", WorkerOrders(quiet=True)), ("stop", WorkerOrders(stop=True))])
def test_an_administrator_gives_orders_and_the_audit_keeps_them(
    verb: str, orders: WorkerOrders, person: Callable[[str], Client], jobs: TestJobs
) -> None:
    jobs.backend.beat(WORKER)
    client = person("admin")
    assert f'action="/workers/{WORKER.id}/stop/"' in client.get("/workers/").content.decode()

    answer = client.post(f"/workers/{WORKER.id}/{verb}/", {"reason": "new disk", "next": "/workers/"})

    assert (answer.status_code, answer["Location"]) == (302, "/workers/")
    assert jobs.backend.beat(WORKER) == orders
    row = OperatorAction.objects.get()
    assert (row.verb, row.target, row.reason, row.status) == (verb, WORKER.id, "new disk", "done")


def test_an_operator_sees_no_such_button_and_is_refused(person: Callable[[str], Client], jobs: TestJobs) -> None:
    jobs.backend.beat(WORKER)
    client = person("operator")
    assert f"/workers/{WORKER.id}/" not in client.get("/workers/").content.decode()
    assert client.post(f"/workers/{WORKER.id}/stop/").status_code == 403
    assert jobs.backend.beat(WORKER) == WorkerOrders()
    assert OperatorAction.objects.get().status == "refused"


def test_a_worker_that_is_gone_is_told(person: Callable[[str], Client], jobs: TestJobs) -> None:
    assert person("admin").post(f"/workers/{WORKER.id}/quiet/").status_code == 404
