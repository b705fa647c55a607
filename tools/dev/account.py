"""The database and the accounts in it, seen to by a program inside .venv."""

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .console import Stop
from .interpreter import clean_environment
from .paths import LOGS, ROOT

# No letters or digits that look alike; 20 of 54 characters are 115 bits.
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 20
# As prepare.py says it; that file can only be imported where Django is.
REFUSED = 3


@dataclass(frozen=True)
class Account:
    """An administrator; `password` only when it was made just now and has to be shown."""

    username: str
    result: str
    password: str | None


def prepare(python: Path) -> Account:
    """Migrate, and make the first administrator if there is none."""
    told = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
    return _ask(python, default_name(), told or new_password(), shown=not told, replace=False)


def replace_password(python: Path, username: str) -> Account:
    """Migrate, and give the account a new password."""
    return _ask(python, username, new_password(), shown=True, replace=True)


def default_name() -> str:
    """The administrator's name where none is typed."""
    return os.environ.get("DJANGO_SUPERUSER_USERNAME", "").strip() or "admin"


def new_password() -> str:
    """A password that nobody has to invent."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _ask(python: Path, username: str, password: str, *, shown: bool, replace: bool) -> Account:
    email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "").strip() or f"{username}@localhost"
    wish = {"username": username, "email": email, "password": password, "replace": replace}
    program = Path(__file__).with_name("prepare.py")
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / "prepare.log"
    environment = clean_environment()
    environment.pop("DJANGO_SUPERUSER_PASSWORD", None)
    with log.open("w", encoding="utf-8") as file:
        answer = subprocess.run(
            [python, program],
            cwd=ROOT,
            env=environment,
            input=json.dumps(wish),
            stdout=subprocess.PIPE,
            stderr=file,
            encoding="utf-8",
        )
    if answer.returncode:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no reason was given"]
        if answer.returncode == REFUSED:
            raise Stop(words[-1])
        raise Stop(f"the database could not be prepared: {words[-1]} ({log.relative_to(ROOT)} has the details)")
    said = json.loads(answer.stdout.strip().splitlines()[-1])
    made = said["result"] != "kept"
    return Account(said["username"], said["result"], password if made and shown else None)
