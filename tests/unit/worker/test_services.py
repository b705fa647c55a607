"""Duties are started again whatever happens in them, and end together."""

import threading
import time

from core.app import Jobs
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
