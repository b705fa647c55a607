"""`manage.py apitoken`: make, list and revoke the keys to the HTTP API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from jobs_dashboard.actions import tokens
from jobs_dashboard.actions.actor import at_shell
from jobs_dashboard.log_format import harmless
from jobs_dashboard.management.command import EXIT_CODES, USAGE, JobsCommand, whole_number
from jobs_dashboard.management.tables import table
from jobs_dashboard.models import ApiToken
from jobs_dashboard.models.api_token import MARK, Scope


class Command(JobsCommand):
    help = "Make, list and revoke keys to the HTTP API. A key is printed once; only its hash is kept."
    epilog = f"""\
scopes:
{chr(10).join(f"  {scope.value:<9}{scope.label}" for scope in Scope)}

examples:
  manage.py apitoken create shop --scopes read,enqueue --days 90
  manage.py apitoken list
  manage.py apitoken revoke 1f0c9a7e

{EXIT_CODES}"""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        create = verbs.add_parser("create", help="Make a key and print it, this once.")
        create.add_argument("name", metavar="NAME", help="Who will use it; it signs what is done with it.")
        create.add_argument("--scopes", default="read", metavar="A,B", help="read (the default), enqueue, operate.")
        create.add_argument(
            "--days", type=whole_number(1, tokens.MAX_DAYS), default=90, metavar="N", help="Until it expires; 90."
        )
        create.add_argument("--json", action="store_true", help="For programs.")
        listing = verbs.add_parser("list", help="List the keys, without what opens the door.")
        listing.add_argument("--json", action="store_true", help="For programs.")
        revoke = verbs.add_parser("revoke", help="From now on the key opens nothing.")
        revoke.add_argument("prefix", metavar="PREFIX", help="The eight digits after jd_, as `list` shows them.")

    def handle(self, *, verb: str, **options: Any) -> None:
        handlers: dict[str, Callable[..., None]] = {
            "create": self._create,
            "list": self._list,
            "revoke": self._revoke,
        }
        handlers[verb](**options)

    def _create(self, *, name: str, scopes: str, days: int, json: bool, **_: Any) -> None:
        row, text = tokens.issue(at_shell(), name, _scopes(scopes), days=days)
        if json:
            self.print_json({**_as_data(row), "token": text})
            return
        self.stdout.write(text)
        self.stderr.write(
            f"{harmless(row.name)}: {row.scopes}, until {row.expires_at:%Y-%m-%d}. It is not shown again."
        )

    def _list(self, *, json: bool, **_: Any) -> None:
        rows = [_as_data(row) for row in ApiToken.objects.all()]
        if json:
            self.print_json(rows)
            return
        names = ("prefix", "name", "scopes", "state", "expires_at", "last_used_at")
        self.stdout.write(table(names, [[str(row[name] or "-") for name in names] for row in rows]))

    def _revoke(self, *, prefix: str, **_: Any) -> None:
        row = tokens.revoke(at_shell(), prefix.removeprefix(f"{MARK}_"))
        self.stdout.write(f"{harmless(row.name)} ({row.prefix}) opens nothing any more")


def _scopes(text: str) -> list[Scope]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in Scope.values]
    if unknown or not names:
        told = f"no scope is named {', '.join(unknown) or 'nothing'}: give some of {', '.join(Scope.values)}"
        raise CommandError(told, returncode=USAGE)
    return [Scope(name) for name in dict.fromkeys(names)]


def _as_data(row: ApiToken) -> dict[str, Any]:
    now = timezone.now()
    state = "revoked" if row.revoked_at else "expired" if row.expires_at <= now else "usable"
    return {
        "prefix": row.prefix,
        "name": row.name,
        "scopes": row.scopes,
        "state": state,
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "expires_at": row.expires_at.isoformat(timespec="seconds"),
        "last_used_at": row.last_used_at and row.last_used_at.isoformat(timespec="seconds"),
    }
