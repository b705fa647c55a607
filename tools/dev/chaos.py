"""`./dev chaos`: hand over to tests/chaos, which injects every fault of docs/reliability.md at full size."""

import argparse
import subprocess

from . import environment, provision
from .interpreter import clean_environment
from .paths import ROOT
from .servers import POSTGRES, REDIS


def chaos(options: argparse.Namespace) -> int:
    """Run it in .venv with the servers at hand; 0 when every promise was held, else 1."""
    python = environment.ready_for_work()
    paths = provision.provide([REDIS, POSTGRES])
    changes = {server.variable: str(path) for server, path in paths.items()}
    command = [python, "-m", "tests.chaos", *options.rest]
    return subprocess.run(command, cwd=ROOT, env=clean_environment(**changes)).returncode
