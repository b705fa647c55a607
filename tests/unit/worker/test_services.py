"""Duties are started again whatever happens in them, and end together."""

import itertools
import threading
import time

import pytest
import structlog

from core.app import Jobs
from core.errors import StoreUnavailable
from core.worker import services as services_module
from core.worker.engine import Engine
from core.worker.services import Duty, Services


def test_duties_that_do_not_end_are_waited_for_once_not_once_each(jobs: Jobs) -> None:
    released = threading.Event()

    def hang(engine: Engine, stop: threading.Event) -> None:
        released.wait(30)

    services = Services(jobs, [Duty(f"stubborn {number}", hang) for number in range(4)])
    services.start()
    began = time.monotonic()
    assert not services.stop(0.5)
    assert time.monotonic() - began < 1.5
    released.set()


def test_an_outage_after_a_time_of_health_is_told_and_soon_over_again(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services_module, "HEALTHY_AFTER_S", 0.05)
    runs = itertools.count(1)
    recovered = threading.Event()

    def shaky(engine: Engine, stop: threading.Event) -> None:
        if (number := next(runs)) == 3:
            recovered.set()
            stop.wait(30)
        stop.wait(0.1)
        raise StoreUnavailable(f"outage {number}")

    with structlog.testing.capture_logs() as lines:
        services = Services(jobs, [Duty("shaky", shaky)])
        services.start()
        assert recovered.wait(10)
        services.stop(5)
    told = [line["error"] for line in lines if line["event"].startswith("store unavailable")]
    assert told[:2] == ["outage 1", "outage 2"]
