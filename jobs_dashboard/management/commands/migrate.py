"""`manage.py migrate`: Django's own, and then the schema of the jobs' store."""

from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from core.backends.opener import schema_of, upgrade
from core.errors import ConfigError, StoreError
from jobs_dashboard.bridge.configuration import configuration, require_shared, shown_url
from jobs_dashboard.management.command import UNREACHABLE


class Command(migrate.Command):
    """The store goes with the default database and with all apps. Only from the command line: what calls this from
    code, such as a test run that makes its databases, does not mean the store."""

    is_typed = False

    def run_from_argv(self, argv: list[str]) -> None:
        self.is_typed = True
        super().run_from_argv(argv)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--skip-store", action="store_true", help="Leave the jobs' store as it is.")

    def handle(self, *args: Any, skip_store: bool = False, **options: Any) -> None:
        super().handle(*args, **options)
        if not skip_store and self.is_typed and _means_the_store(options):
            try:
                self._upgrade(options)
            except (StoreError, ConfigError) as error:
                told = f"Django's tables are done; the jobs' store is not: {error}\n--skip-store leaves it out."
                raise CommandError(told, returncode=UNREACHABLE) from error

    def _upgrade(self, options: dict[str, Any]) -> None:
        config = configuration()
        try:
            require_shared(config)
        except ImproperlyConfigured:
            return  # whoever runs jobs inside one process has nothing to migrate
        is_look = options["plan"] or options["check_unapplied"]
        before, newest = schema_of(config.backend_url)
        if before is not None and not is_look:
            upgrade(config.backend_url)
        if options["verbosity"] >= 1:
            told = _told(before, newest) + (" (planned)" if is_look and _is_behind(before, newest) else "")
            self.stdout.write(f"Store {shown_url(config.backend_url)}: {told}")
        if options["check_unapplied"] and _is_behind(before, newest):
            sys.exit(1)


def _means_the_store(options: dict[str, Any]) -> bool:
    narrowed = options["app_label"] not in (None, "jobs_dashboard") or options["migration_name"]
    return options["database"] == DEFAULT_DB_ALIAS and not (narrowed or options["fake"] or options["prune"])


def _is_behind(before: int | None, newest: int | None) -> bool:
    return before is not None and newest is not None and before < newest


def _told(before: int | None, newest: int | None) -> str:
    if before is None:
        return "has no schema, nothing to do"
    if not _is_behind(before, newest):
        return f"schema {before}, nothing to do"
    return f"schema {newest}, new" if before == 0 else f"schema {before} -> {newest}"
