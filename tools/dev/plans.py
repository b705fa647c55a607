"""`./dev plans`: the tests of what statements read, on tables of a million rows instead of the few of `./dev test`."""

import argparse
import subprocess

from . import environment, provision
from .interpreter import clean_environment
from .paths import ROOT
from .servers import POSTGRES

ROWS = 1_000_000
FILES = ("tests/stores/postgres/test_plans.py", "tests/stores/sqlite/test_plans.py")
# The first test of each store waits for its tables.
TIME_LIMIT = ("--timeout", "600", "--timeout-method", "thread")


def plans(options: argparse.Namespace) -> int:
    """Run them with PLAN_ROWS set; every test says what it found. The exit code is pytest's."""
    python = environment.ready_for_work()
    paths = provision.provide([POSTGRES])
    changes = {server.variable: str(path) for server, path in paths.items()}
    command = [str(python), "-m", "pytest", "--skips-fail", "-q", "-rP", "--tb=short", *TIME_LIMIT, *FILES]
    return subprocess.run(command, cwd=ROOT, env=clean_environment(PLAN_ROWS=str(options.rows), **changes)).returncode
