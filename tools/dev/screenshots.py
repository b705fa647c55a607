"""`./dev screenshots`: hand over to the program that pictures every page, with what it needs at hand."""

import argparse
import subprocess

from . import environment, provision
from .console import Stop
from .interpreter import clean_environment
from .paths import ROOT
from .servers import CHROMIUM

PROGRAM = ROOT / "tools" / "screenshots.py"


def screenshots(options: argparse.Namespace) -> int:
    """Run tools/screenshots.py in .venv; its exit code."""
    if not PROGRAM.is_file():
        raise Stop("tools/screenshots.py is not in this checkout")
    python = environment.ready_for_work()
    paths = provision.provide([CHROMIUM])
    changes = {server.variable: str(path) for server, path in paths.items()}
    return subprocess.run([python, PROGRAM, *options.rest], cwd=ROOT, env=clean_environment(**changes)).returncode
