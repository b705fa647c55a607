"""`manage.py rundemo`: starts one audit of this Python installation."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from examples.start import start_audit


class Command(BaseCommand):
    help = (
        "Starts the demo: enqueues one job for each Python file of this installation, and a report that is "
        "written and mailed when they are done. The jobs run in `manage.py runworkers`."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run = start_audit()
        self.stdout.write(f"Run {run.id}: {len(run.job_ids()):,} jobs enqueued, and a report that waits for them.")
        self.stdout.write(f"Its files will be in {run.folder}")
