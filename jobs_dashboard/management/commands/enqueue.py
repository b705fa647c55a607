"""`manage.py enqueue`: store jobs of a task, and print their ids."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from core.errors import InvalidInput
from core.model.limits import MAX_PAYLOAD_BYTES
from core.model.payload import read_json
from jobs_dashboard.actions.actor import at_shell
from jobs_dashboard.actions.enqueue import enqueue
from jobs_dashboard.bridge.wiring import current_jobs
from jobs_dashboard.management.command import EXIT_CODES, NOTHING, JobsCommand, whole_number


class Command(JobsCommand):
    help = "Enqueue a job of TASK, or several, and print the ids, one a line."
    epilog = f"""\
examples:
  manage.py enqueue shop.tasks.send_email --payload '{{"to": "ann@example.com"}}'
  manage.py enqueue shop.tasks.clean_up --delay 3600 --priority -10
  manage.py enqueue shop.tasks.report --run-at 2030-01-31T09:00:00+01:00
  generate | manage.py enqueue shop.tasks.load --payload -

{EXIT_CODES}"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("task", metavar="TASK", help="The task's name, such as shop.tasks.send_email.")
        parser.add_argument(
            "--payload", default="{}", metavar="JSON", help="Its arguments by name, or - to read them from stdin."
        )
        parser.add_argument("--count", type=whole_number(1, 10_000_000), default=1, metavar="N", help="So many alike.")
        parser.add_argument("--queue", metavar="Q", help="Instead of the task's own queue.")
        parser.add_argument("--delay", type=float, metavar="S", help="Seconds from now until it may run.")
        parser.add_argument("--run-at", metavar="ISO", help="When it may run: ISO 8601 with a zone.")
        parser.add_argument("--priority", type=int, metavar="N", help="-100 to 100; higher runs first.")

    def handle(self, *, task: str, payload: str, count: int, **options: Any) -> None:
        given = {
            "queue": options["queue"],
            "delay": options["delay"],
            "run_at": _moment(options["run_at"]),
            "priority": options["priority"],
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        request = current_jobs().client.request(task, _arguments(payload), **chosen)
        created = enqueue(at_shell(), request, count=count, made=lambda job: self.stdout.write(job.id))
        if not created:
            sys.exit(NOTHING)


def _arguments(text: str) -> dict[str, Any]:
    sent = sys.stdin.buffer.read(MAX_PAYLOAD_BYTES + 1) if text == "-" else text.encode("utf-8", "surrogateescape")
    arguments = read_json(sent, path="$.arguments")
    if not isinstance(arguments, dict):
        raise InvalidInput("give a map of argument names to values", path="$.arguments")
    return arguments


def _moment(text: str | None) -> datetime | None:
    """ISO 8601; a time without a zone is refused where every door refuses it."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        told = f"{text[:60]!r} is no time in ISO 8601, such as 2030-01-31T09:00:00+01:00"
        raise InvalidInput(told, path="$.run_at") from None
