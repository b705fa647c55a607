"""`manage.py jobs_move`: move live jobs, dead letters and schedules from one store to another."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser

from core.app import Jobs
from core.backends.contract import Backend, QueueCounts
from core.move import MOVED_STATES, Moved
from jobs_dashboard.actions.actor import at_shell
from jobs_dashboard.actions.stores import move_store
from jobs_dashboard.bridge.wiring import jobs_of_store
from jobs_dashboard.management.command import EXIT_CODES, NOTHING, JobsCommand, whole_number
from jobs_dashboard.management.tables import table

_TOLD_EVERY_S = 1.0


class Command(JobsCommand):
    help = "Move live jobs, dead letters and schedules to another store; ids are kept, finished jobs stay behind."
    epilog = f"""\
How to change the store of a running project:
  1. Stop what enqueues, or give it the new JOBS_BACKEND_URL; stop the schedulers.
  2. manage.py jobs_move --from sqlite:///var/jobs.sqlite3 --to redis://localhost:6379/0
     The old queues are paused and stay so. Running jobs are waited for.
  3. Start workers with the new JOBS_BACKEND_URL.
Killed half-way, or with jobs still running at its end, run it again: it goes on where it stopped.

{EXIT_CODES}"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="source", required=True, metavar="URL", help="The store to empty.")
        parser.add_argument("--to", dest="target", required=True, metavar="URL", help="The store to fill.")
        parser.add_argument(
            "--wait", type=whole_number(0, 86_400), default=60, metavar="S", help="For running jobs, in seconds; 60."
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what is there, and move nothing.")

    def handle(self, *, source: str, target: str, wait: int, dry_run: bool, **_: Any) -> None:
        with closing(jobs_of_store(source)) as old:
            self._show(old.stats())
            if not dry_run:
                with closing(jobs_of_store(target)) as new:
                    self._move(old, new.backend, wait)

    def _move(self, old: Jobs, new: Backend, wait: int) -> None:
        moved = move_store(at_shell(), old, new, wait_s=wait, progress=_Teller(self).tell)
        states = ", ".join(f"{count:,} {state}" for state, count in moved.jobs.items() if count)
        self.stdout.write(f"moved {states or 'no jobs'} and {moved.schedules} schedules to {new.url}")
        if not moved.is_whole:
            self.stderr.write(
                f"{moved.running:,} still run and {moved.left:,} came in meanwhile in {old.backend.url}: "
                "stop what feeds it, and run this again"
            )
            sys.exit(NOTHING)

    def _show(self, queues: list[QueueCounts]) -> None:
        rows = [[one.queue, *(f"{one.states.get(state, 0):,}" for state in MOVED_STATES)] for one in queues]
        self.stderr.write(table(["queue", *MOVED_STATES], rows, right=set(range(1, 6))))


class _Teller:
    """Says now and then how far it is."""

    def __init__(self, command: JobsCommand) -> None:
        self._command = command
        self._told = time.monotonic()

    def tell(self, moved: Moved) -> None:
        if time.monotonic() - self._told >= _TOLD_EVERY_S:
            self._told = time.monotonic()
            self._command.stderr.write(f"{moved.jobs.total():,} jobs moved")
