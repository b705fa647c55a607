"""`manage.py runservices`: the scheduler, the janitor, the recorder and the outbox without workers."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from core.worker.supervisor import run
from jobs_dashboard.management.command import JobsCommand
from jobs_dashboard.management.plan import plan_for


class Command(JobsCommand):
    help = "Run the services alone: scheduler, janitor, recorder, outbox. `runworkers` runs them too; any number may."
    epilog = """\
  scheduler  makes the jobs of cron entries, each tick once
  janitor    gives back the jobs of dead workers, trims what is past its retention
  recorder   writes attempts into Django's database, each once
  outbox     sends jobs that JOBS_OUTBOX has kept and that were not sent at their commit

Stops with TERM or INT.

exit codes:
  0  stopped as asked, or JOBS_ENABLED is false
  1  a process could not start; the log says why
  2  what was asked for cannot be (a bad option or setting)
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="", metavar="LABEL", help="How the dashboard calls this process.")

    def handle(self, *, name: str, **_: Any) -> None:
        sys.exit(run(plan_for(name=name, workers=False)))
