"""What `manage.py check` reports of this app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

import core
from core.backends.opener import is_transactional
from core.errors import StoreError
from jobs_dashboard.bridge.configuration import configuration
from jobs_dashboard.bridge.unit_of_work import refusal
from jobs_dashboard.bridge.wiring import current_backend

_LOOPBACK = {"localhost", ".localhost", "127.0.0.1", "[::1]", "testserver"}
_INSTALLED = Path(__file__).resolve().parent.parent


@checks.register()
def check_engine(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """`core` is also the name of many people's own app."""
    found = Path(core.__file__ or "").resolve().parent
    if found.parent == _INSTALLED:
        return []
    told = f"`core` is the package in {found}, and not the engine that came with jobs_dashboard in {_INSTALLED}."
    return [
        checks.Error(told, hint="Rename your own `core`, or put it behind ours on sys.path.", id="jobs_dashboard.E001")
    ]


@checks.register(checks.Tags.security)
def check_openness(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """This project's own switches (docs/configuration.md); silent in projects that do not have them."""
    found: list[checks.CheckMessage] = []
    if getattr(settings, "ENVIRONMENT", "") == "development" and not set(settings.ALLOWED_HOSTS) <= _LOOPBACK:
        told = "ALLOWED_HOSTS names hosts that others can reach, while JOBS_ENV is development."
        found.append(checks.Warning(told, hint="Set JOBS_ENV=production.", id="jobs_dashboard.W001"))
    if getattr(settings, "IS_PRODUCTION", False) and "*" in settings.ALLOWED_HOSTS:
        told = "ALLOWED_HOSTS is *: links that are made for a request would lead to whatever host it names."
        found.append(checks.Warning(told, hint="Name the hosts this answers to.", id="jobs_dashboard.W003"))
    if getattr(settings, "IS_PRODUCTION", False) and not settings.HTTPS:
        told = "HTTPS is off in production: passwords and cookies travel in the clear."
        hint = "Put a TLS proxy in front and unset HTTPS, unless this network is closed by other means."
        found.append(checks.Warning(told, hint=hint, id="jobs_dashboard.W002"))
    return found


@checks.register()
def check_transactions(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """Whether jobs on PostgreSQL can be part of Django's transactions, as far as the settings tell."""
    if not _could_join():
        return []
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if connection.Database.__name__ != "psycopg":
        told = f"Jobs cannot be part of transactions: Django uses {connection.Database.__name__}, and not psycopg 3."
        return [checks.Warning(told, hint=f"pip install 'psycopg[binary]'. {_MEANWHILE}", id="jobs_dashboard.W004")]
    django, store = _place_of_django(connection.settings_dict), _place_of_store(configuration().backend_url)
    if django == store:
        return []
    told = f"Jobs are no part of transactions: Django's database is {django}, and the store's {store}."
    hint = f"{_MEANWHILE} If the two are one after all, `check --database default` will say so."
    return [checks.Info(told, hint=hint, id="jobs_dashboard.I001")]


@checks.register(checks.Tags.database)
def check_joining(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """The same, asked of the servers; only with `check --database`."""
    if not databases or not _could_join():
        return []
    try:
        backend = current_backend()
        found = {alias: _refusal(alias, backend) for alias in databases if connections[alias].vendor == "postgresql"}
    except (StoreError, DatabaseError) as error:
        told = f"Whether jobs can be part of transactions is not known: {str(error).strip()}"
        return [checks.Warning(told, id="jobs_dashboard.W005")]
    return [
        checks.Warning(
            f"Jobs are no part of transactions of the database {alias!r}: {reason}.",
            hint=_MEANWHILE,
            id="jobs_dashboard.W005",
        )
        for alias, reason in found.items()
        if reason
    ]


_MEANWHILE = "Until then they are stored after the commit; JOBS_OUTBOX=true closes the gap between the two."


def _could_join() -> bool:
    config = configuration()
    wanted = config.on_commit and bool(config.backend_url) and is_transactional(config.backend_url)
    return wanted and connections[DEFAULT_DB_ALIAS].vendor == "postgresql"


def _refusal(alias: str, backend: Any) -> str:
    connections[alias].ensure_connection()
    return refusal(connections[alias], backend)


def _place_of_django(given: dict[str, Any]) -> str:
    options = given["OPTIONS"]
    host, port = given["HOST"] or options.get("host", ""), given["PORT"] or options.get("port", "")
    return _place(host, port, given["NAME"] or options.get("dbname", ""))


def _place_of_store(url: str) -> str:
    parts = urlsplit(url)
    told = dict(parse_qsl(parts.query))
    host, port = parts.hostname or told.get("host", ""), parts.port or told.get("port", "")
    return _place(host, port, parts.path.strip("/") or told.get("dbname", ""))


def _place(host: str, port: str | int, name: str) -> str:
    return f"{name or 'the default one'} at {host or 'localhost'}:{port or 5432}"
