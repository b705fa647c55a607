"""`./dev reset`: back to a checkout without data."""

import argparse
import shutil
import sys

from . import state
from .console import say, step, usage
from .paths import SERVERS, VAR

# Programs that were fetched, and locks that others may hold: none of it is data.
KEPT = {SERVERS.name, "pip", "resolver", "resolver.txt", "run.lock", "install.lock"}


def reset(options: argparse.Namespace) -> int:
    """Remove the data under var/, unless something runs on it."""
    right = state.take()
    if right is None:
        usage("./dev run is running on this data: end it with Ctrl-C first")
    with right:
        doomed = sorted(path for path in VAR.iterdir() if path.name not in KEPT and not path.name.startswith("venv-"))
        if not doomed:
            say("there is no data under var/")
            return 0
        if not options.yes and not _is_confirmed([path.name for path in doomed]):
            return 1
        for path in doomed:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        step("removed: " + ", ".join(path.name for path in doomed))
    return 0


def _is_confirmed(names: list[str]) -> bool:
    if not sys.stdin.isatty():
        usage("./dev reset removes data: type it in a terminal, or add --yes")
    say("This removes from var/: " + ", ".join(names))
    return input("All jobs, accounts and mail are lost. Type yes: ").strip().lower() == "yes"
