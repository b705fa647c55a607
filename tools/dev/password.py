"""`./dev password`: a new password for an administrator, printed once and stored only as a hash."""

import argparse

from . import account, environment
from .console import say


def password(options: argparse.Namespace) -> int:
    """`./dev password [NAME]`."""
    python = environment.ready_to_run()
    changed = account.replace_password(python, options.name or account.default_name())
    say(f"{changed.username}: {changed.password}")
    return 0
