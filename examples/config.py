"""What the demo can be told: environment first, then Django's settings, then a default."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings


def folder() -> Path:
    """DEMO_FOLDER: where runs, reports and invoices are written; `var/demo` of the project."""
    return Path(_value("DEMO_FOLDER", str(Path(settings.BASE_DIR) / "var" / "demo")))


def most_modules() -> int:
    """DEMO_MODULES: how many modules a run audits at most; 3,000."""
    return int(_value("DEMO_MODULES", "3000"))


def kept_runs() -> int:
    """DEMO_KEEP_RUNS: how many of the newest runs the clean-up leaves alone; 5."""
    return int(_value("DEMO_KEEP_RUNS", "5"))


def recipients() -> list[str]:
    """DEMO_MAIL_TO: who gets the mail, separated by commas. The sender is Django's DEFAULT_FROM_EMAIL."""
    return [address.strip() for address in _value("DEMO_MAIL_TO", "team@example.com").split(",")]


def _value(name: str, default: str) -> str:
    return os.environ.get(name) or str(getattr(settings, name, default))
