"""`./dev check`: format, lint, types, import rules and sizes; all of them run, whatever the first one says."""

import argparse
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import environment, imports, sizes
from .console import say, step, usage
from .interpreter import clean_environment
from .paths import ROOT

Check = tuple[str, Callable[[], tuple[bool, str]]]

NAMES = ("types", "layers", "format", "lint", "imports", "sizes")
BUDGET_SECONDS = 60
# import-linter cannot be run with -m, and its script would not survive a .venv that was moved.
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True)
class Verdict:
    """What one check found; empty text when all is well."""

    name: str
    is_clean: bool
    text: str
    seconds: float


def check(options: argparse.Namespace) -> int:
    """`./dev check [NAME...]`."""
    unknown = [name for name in options.checks if name not in NAMES]
    if unknown:
        usage(f"there is no check {unknown[0]}; there are {', '.join(NAMES)}")
    python = environment.ready_for_work()
    started = time.monotonic()
    # The slowest first; two at a time is what a small machine has cores for.
    checks: list[Check] = [
        ("types", lambda: _program(python, "-m", "mypy", "--no-error-summary")),
        ("layers", lambda: _program(python, "-c", LINT_IMPORTS, "--no-logo")),
        ("format", lambda: _program(python, "-m", "ruff", "format", "--check", "--diff", "--quiet", ".")),
        ("lint", lambda: _program(python, "-m", "ruff", "check", "--quiet", ".")),
        ("imports", lambda: _ours(imports.violations(ROOT))),
        ("sizes", lambda: _ours(sizes.violations(ROOT))),
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        chosen = [named for named in checks if not options.checks or named[0] in options.checks]
        verdicts = list(pool.map(lambda named: _time(*named), chosen))
    return _report(verdicts, time.monotonic() - started)


def _time(name: str, run: Callable[[], tuple[bool, str]]) -> Verdict:
    started = time.monotonic()
    is_clean, text = run()
    return Verdict(name, is_clean, text, time.monotonic() - started)


def _program(python: Path, *arguments: str) -> tuple[bool, str]:
    environment = clean_environment(NO_COLOR="1", TERM="dumb")
    done = subprocess.run(
        [python, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return done.returncode == 0, done.stdout.strip()


def _ours(violations: list[str]) -> tuple[bool, str]:
    return not violations, "\n".join(violations)


def _report(verdicts: list[Verdict], seconds: float) -> int:
    broken = [verdict for verdict in verdicts if not verdict.is_clean]
    for verdict in broken:
        say(f"--- {verdict.name}")
        say(verdict.text)
        say()
    for verdict in verdicts:
        say(f"{verdict.name:<14}{'ok' if verdict.is_clean else 'FAILED':<8}{verdict.seconds:5.1f} s")
    late = f", over the budget of {BUDGET_SECONDS} s" if seconds > BUDGET_SECONDS else ""
    step(f"check {'failed' if broken else 'passed'} in {seconds:.1f} s{late}")
    return 1 if broken else 0
