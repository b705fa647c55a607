"""Observers are told of what was settled, and cannot keep a worker from ending."""

import threading
import time

import pytest

from core.model.snapshot import JobSnapshot
from core.worker import report
from core.worker.report import Report
from tests.unit.worker.bench import Bench


def work() -> None:
    """Something to claim."""


def test_an_observer_that_hangs_does_not_keep_the_worker_from_ending(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "WAITING_NOTICES", 1)
    told = Report(bench.jobs.config, bench.jobs.registry, bench.time)
    entered, released = threading.Event(), threading.Event()

    def hang(job: JobSnapshot) -> None:
        entered.set()
        released.wait(30)

    bench.jobs.on("completed")(hang)
    told.settled([bench.settlement.completed(bench.started(work), None)])
    assert entered.wait(10)
    told.settled([bench.settlement.completed(bench.started(work), None)])
    began = time.monotonic()
    told.close(0.1)
    assert time.monotonic() - began < 10
    released.set()
