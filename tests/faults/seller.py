"""A program that writes a row and enqueues a job in one transaction of Django's, and kills itself where it is told.

python -m tests.faults.seller POINT ORDER, configured by DATABASE_URL and JOBS_…; POINT is one of POINTS.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.db import connection, transaction

POINTS = ("never", "before commit", "after commit", "before send", "before delete")


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(call: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> None:
        call(*args, **kwargs)
        die()

    return called


def sell(point: str, order: int) -> None:
    from core.tasks.declare import task
    from jobs_dashboard.bridge import outbox
    from jobs_dashboard.bridge.wiring import current_jobs

    @task(name="ship")
    def ship(order: int) -> None: ...

    jobs = current_jobs()
    if point == "before send":
        outbox._send_now = die  # type: ignore[assignment]
    if point == "before delete":
        jobs.backend.enqueue = then_die(jobs.backend.enqueue)  # type: ignore[method-assign]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO orders VALUES (%s)", [order])
        print(ship.enqueue(order=order).id, flush=True)
        if point == "before commit":
            die()
    if point == "after commit":
        die()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_dashboard.settings")
    django.setup()
    sell(sys.argv[1], int(sys.argv[2]))
