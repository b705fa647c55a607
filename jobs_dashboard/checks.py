"""What `manage.py check` reports of this app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

import core

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
