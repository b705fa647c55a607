"""`manage.py runworkers`: run jobs until told to stop."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from core.worker.supervisor import run
from jobs_dashboard.management.command import JobsCommand, whole_number
from jobs_dashboard.management.plan import plan_for


class Command(JobsCommand):
    help = "Run jobs: worker processes, and beside them the scheduler, the janitor and the recorder."
    epilog = """\
Without options one process runs as many jobs at once as JOBS_WORKER_COUNT says (4). Threads suit jobs that wait
(mail, HTTP, databases); for jobs that compute, give --processes the number of CPUs.

examples:
  manage.py runworkers                                    everything, from all queues
  manage.py runworkers --queues mail,default              mail first, then default, nothing else
  manage.py runworkers --processes 4 --concurrency 8      32 jobs at once
  manage.py runworkers --burst                            until nothing is due, then exit

signals:
  TERM, INT  stop: claim nothing more, let jobs finish within JOBS_GRACE_SECONDS, give the rest back;
             a second one cuts that short. Nothing is lost either way, nor by KILL.
  USR1       quiet: claim nothing more, and go on with what runs
  USR2       print the stack of every thread

exit codes:
  0  stopped as asked, nothing due any more (--burst), or JOBS_ENABLED is false
  1  a process could not start; the log says why
  2  what was asked for cannot be (a bad option or setting)
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default="", metavar="A,B", help="In order of preference; all when not given.")
        parser.add_argument("--processes", type=whole_number(1, 512), metavar="N", help="Worker processes; 1.")
        parser.add_argument(
            "--concurrency", type=whole_number(1, 1_000), metavar="N", help="Jobs at once in each process."
        )
        parser.add_argument("--burst", action="store_true", help="Exit with 0 as soon as no job is due.")
        parser.add_argument("--name", default="", metavar="LABEL", help="How the dashboard calls these workers.")

    def handle(
        self, *, queues: str, processes: int | None, concurrency: int | None, burst: bool, name: str, **_: Any
    ) -> None:
        plan = plan_for(queues=queues, processes=processes, concurrency=concurrency, burst=burst, name=name)
        sys.exit(run(plan))
