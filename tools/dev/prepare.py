"""Migrate the database and see to the first administrator; run by the Python of .venv, from the checkout.

Reads {"username": …, "email": …, "password": …, "replace": bool} from standard input, since a password must not stand
on a command line; answers with one JSON line: {"result": "created" | "kept" | "replaced", "username": …}.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_dashboard.settings")

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django must be set up first
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402

REFUSED = 3
"""Exit code for a wish that cannot be granted; the last line on standard error says why."""


def main() -> None:
    """Prepare, and say what was done."""
    wish = json.load(sys.stdin)
    call_command("migrate", interactive=False, verbosity=1, stdout=sys.stderr)
    with transaction.atomic():
        answer = _replace_password(wish) if wish["replace"] else _first_administrator(wish)
    print(json.dumps(answer))


def _first_administrator(wish: dict[str, Any]) -> dict[str, str]:
    users = get_user_model()._default_manager
    existing = users.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if existing is not None:
        return {"result": "kept", "username": existing.get_username()}
    users.create_superuser(wish["username"], wish["email"], wish["password"])
    return {"result": "created", "username": wish["username"]}


def _replace_password(wish: dict[str, Any]) -> dict[str, str]:
    users = get_user_model()._default_manager
    user = users.filter(username=wish["username"]).first()
    if user is None:
        if users.filter(is_superuser=True).exists():
            print(f"there is no account named {wish['username']}", file=sys.stderr)
            sys.exit(REFUSED)
        return _first_administrator(wish)
    user.set_password(wish["password"])
    user.is_active = True
    user.save()
    call_command("axes_reset_username", wish["username"], stdout=sys.stderr)
    return {"result": "replaced", "username": wish["username"]}


main()
