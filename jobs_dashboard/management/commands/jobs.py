"""`manage.py jobs`: look at jobs, queues and workers, and act on them, from a shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from core.model.states import State
from jobs_dashboard.management import acting, looking
from jobs_dashboard.management.command import EXIT_CODES, JobsCommand, whole_number

_HANDLERS: dict[str, Callable[..., None]] = {
    "list": looking.list_jobs,
    "show": looking.show_jobs,
    "workers": looking.list_workers,
    "retry": acting.act_on_jobs,
    "cancel": acting.act_on_jobs,
    "discard": acting.act_on_jobs,
    "pause": acting.act_on_queues,
    "resume": acting.act_on_queues,
    "quiet": acting.act_on_workers,
    "stop": acting.act_on_workers,
    "purge": acting.purge,
}
_STATES = [str(state) for state in State]


class Command(JobsCommand):
    help = "Look at jobs and act on them. Every action stands in the audit under your login name."
    epilog = f"""\
examples:
  manage.py jobs list --state failed --queue mail
  manage.py jobs show default~0cpjr1mt3o00u9c2mhl8a6q
  manage.py jobs retry default~0cpjr1mt3o00u9c2mhl8a6q --reason "the mail server is back"
  manage.py jobs retry --state dead --task 'shop.tasks.*' --dry-run
  manage.py jobs pause mail --reason "provider is down"
  manage.py jobs purge --queue mail --state completed
  manage.py jobs workers --json
  manage.py jobs quiet big-box --reason "deploy"

`manage.py jobs VERB --help` tells what a verb takes.

{EXIT_CODES}"""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        self._add_looking(verbs)
        for name, what in (
            ("retry", "Run now: failed, scheduled, held, dead and cancelled jobs; a completed one runs as a new job."),
            ("cancel", "Stop for good: waiting jobs at once; a running one is asked to stop."),
            ("discard", "Give up on waiting and dead jobs; they end cancelled, and a retry brings them back."),
        ):
            verb = self._verb(verbs, name, what)
            verb.add_argument("ids", nargs="*", metavar="ID", help="Jobs by id; or name a --state instead.")
            _add_filters(verb)
            _add_action_options(verb)
        for name, what in (
            ("pause", "Start nothing more from queues; what runs goes on."),
            ("resume", "Open paused queues again."),
        ):
            verb = self._verb(verbs, name, what)
            verb.add_argument("queues", nargs="*", metavar="QUEUE")
            verb.add_argument("--queue", action="append", default=[], metavar="Q", help="The same; may be repeated.")
            _add_action_options(verb)
        for name, what in (
            ("quiet", "Have workers claim nothing more; what runs goes on. A restart ends it."),
            ("stop", "Have workers stop as by SIGTERM: what runs has the grace period, the rest goes back."),
        ):
            verb = self._verb(verbs, name, what)
            verb.add_argument("workers", nargs="+", metavar="WORKER", help="Its id, the start of it, or its --name.")
            _add_action_options(verb)
        self._add_purge(verbs)

    def handle(self, *, verb: str, **options: Any) -> None:
        _HANDLERS[verb](self, verb=verb, **options)

    def _verb(self, verbs: Any, name: str, what: str) -> CommandParser:
        parser: CommandParser = verbs.add_parser(name, help=what, description=what)
        return parser

    def _add_looking(self, verbs: Any) -> None:
        verb = self._verb(verbs, "list", "List jobs, in the order of their state: of one state, or of all.")
        _add_filters(verb)
        verb.set_defaults(limit=20)
        verb.add_argument("--json", action="store_true", help="For programs: an array of jobs.")
        verb = self._verb(verbs, "show", "Show all there is to know about jobs. Values named like secrets are masked.")
        verb.add_argument("ids", nargs="+", metavar="ID")
        verb.add_argument("--json", action="store_true", help="For programs: an array of jobs.")
        verb = self._verb(verbs, "workers", "List the processes that run jobs, and how long ago each was heard of.")
        verb.add_argument("--json", action="store_true", help="For programs: an array of workers.")

    def _add_purge(self, verbs: Any) -> None:
        verb = self._verb(verbs, "purge", "Delete the jobs of one state from a queue. There is no way back.")
        verb.add_argument("queues", nargs="*", metavar="QUEUE")
        verb.add_argument("--queue", action="append", default=[], metavar="Q", help="The same; may be repeated.")
        states = [state for state in _STATES if state != State.RUNNING]
        verb.add_argument("--state", required=True, choices=states, help="Running jobs cannot be purged.")
        verb.add_argument("--yes", action="store_true", help="Do not ask (a terminal is asked for the queue's name).")
        _add_action_options(verb)


def _add_filters(parser: CommandParser) -> None:
    parser.add_argument("--state", choices=_STATES, metavar="STATE", help=f"One of {', '.join(_STATES)}.")
    parser.add_argument("--queue", action="append", default=[], metavar="Q", help="Only this queue; may be repeated.")
    parser.add_argument("--task", default="", metavar="TASK", help="Only this task; a trailing * stands for the rest.")
    parser.add_argument("--limit", type=whole_number(1, 10_000_000), metavar="N", help="At most so many jobs.")


def _add_action_options(parser: CommandParser) -> None:
    parser.add_argument("--reason", default="", metavar="TEXT", help="Why, for the audit; at most 500 characters.")
    parser.add_argument("--dry-run", action="store_true", help="Say what would be done, and do nothing.")
    parser.add_argument("--json", action="store_true", help="For programs.")
