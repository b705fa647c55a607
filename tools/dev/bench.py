"""`./dev bench-stores`: hand over to bench/stores, with the servers it measures at hand."""

import argparse
import subprocess

from . import environment, provision
from .interpreter import clean_environment
from .paths import ROOT
from .servers import POSTGRES, REDIS


def stores(options: argparse.Namespace) -> int:
    """Run bench/stores in .venv; its exit code."""
    python = environment.ready_for_work()
    paths = provision.provide([REDIS, POSTGRES])
    changes = {server.variable: str(path) for server, path in paths.items()}
    command = [str(python), "-m", "bench.stores", *options.rest]
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment(**changes)) as program:
        while True:
            try:
                return program.wait()
            except KeyboardInterrupt:  # which it got too: it is ending its servers
                continue
