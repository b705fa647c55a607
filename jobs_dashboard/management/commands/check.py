"""`manage.py check`: Django's own, and then where each setting of the jobs came from."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

from django.core.management.commands import check

from core.config import Config, variables
from jobs_dashboard.bridge.configuration import configuration, shown_url
from jobs_dashboard.management.tables import table

_SOURCES = {"setting": "JOBS setting"}


class Command(check.Command):
    """The table goes to stdout, as the verdict does; --list-tags and --tag are Django's own and print no table."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        super().handle(*app_labels, **options)
        if not app_labels and not options["tags"] and not options["list_tags"]:
            self.stdout.write(_told(configuration()))


def _told(config: Config) -> str:
    by_field = variables()
    rows = [
        [by_field[each.name], _shown(getattr(config, each.name)), _source(config, each.name)]
        for each in fields(config)
        if each.name in by_field
    ]
    return "\n" + table(["setting", "value", "from"], rows)


def _shown(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    return shown_url(value) if isinstance(value, str) else str(value)


def _source(config: Config, name: str) -> str:
    source = config.sources.get(name, "default")
    return _SOURCES.get(source, source)
