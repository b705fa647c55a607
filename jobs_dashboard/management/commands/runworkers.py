"""`manage.py runworkers`: run jobs until told to stop."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from core.worker.lifespan import as_lifespan
from core.worker.reload import run_reloading
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
  manage.py runworkers --queues mail=3,default=1          of four jobs three of mail, while both have some
  manage.py runworkers --queues reports:2,default         at most two of reports at once in each process
  manage.py runworkers --processes 4 --concurrency 8      32 jobs at once
  manage.py runworkers --max-jobs 10000 --max-memory 1GB  replace processes whose handlers leak
  manage.py runworkers --reload                           while you write handlers
  manage.py runworkers --burst                            until nothing is due, then exit

signals:
  TERM, INT  stop: claim nothing more, let jobs finish within JOBS_GRACE_SECONDS, give the rest back;
             a second one cuts that short. Nothing is lost either way, nor by KILL.
  USR1       quiet: claim nothing more, and go on with what runs
  HUP        restart with new code, without a gap: a new generation starts, and once it is ready the old one
             lets what runs end. One that cannot start changes nothing. (With a terminal: stop.)
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
        parser.add_argument(
            "--max-jobs", type=whole_number(1, 10**9), metavar="N", help="Replace a worker process after so many jobs."
        )
        parser.add_argument(
            "--max-memory", default="", metavar="SIZE", help="Replace it above this size, such as 512MB."
        )
        parser.add_argument(
            "--max-age", type=whole_number(1, 10**9), metavar="SECONDS", help="Replace it after this time."
        )
        parser.add_argument("--reload", action="store_true", help="For development: restart when a .py file changes.")
        parser.add_argument("--name", default="", metavar="LABEL", help="How the dashboard calls these workers.")

    def handle(
        self,
        *,
        max_jobs: int | None,
        max_memory: str,
        max_age: int | None,
        reload: bool,
        **options: Any,
    ) -> None:
        if reload:
            sys.exit(run_reloading())
        lifespan = as_lifespan(max_jobs=max_jobs, max_memory=max_memory, max_age=max_age)
        asked = {name: options[name] for name in ("queues", "processes", "concurrency", "burst", "name")}
        sys.exit(run(plan_for(lifespan=lifespan, **asked)))
