"""`manage.py jobstats`: how many jobs are in which state, by queue."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from jobs_dashboard.bridge.wiring import current_jobs
from jobs_dashboard.management.command import EXIT_CODES, JobsCommand
from jobs_dashboard.management.tables import table
from jobs_dashboard.queries.as_json import COUNTED, stats


class Command(JobsCommand):
    help = "Show how many jobs the store holds, by queue and state, and when the last one was processed."
    epilog = f"""\
--json prints one object:
  {{"total": {{"pending": 0, …}}, "queues": {{"default": {{"pending": 0, …}}, …}},
   "total_jobs": 0, "last_processed": "2030-01-31T09:00:00.000+00:00" or null}}

{EXIT_CODES}"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs.")

    def handle(self, *, json: bool, **_: Any) -> None:
        told = stats(current_jobs().stats())
        if json:
            self.print_json(told)
            return
        states = [str(state) for state in COUNTED]
        rows = [[queue, *(f"{counts[state]:,}" for state in states)] for queue, counts in told["queues"].items()]
        rows.append(["total", *(f"{told['total'][state]:,}" for state in states)])
        self.stdout.write(table(["queue", *states], rows, right=set(range(1, 9))))
        last = told["last_processed"] or "never"
        self.stdout.write(f"\n{told['total_jobs']:,} jobs; last processed: {last}")
