"""`./dev test`: the suites one after the other, each against its budget of minutes, and one closing line for all."""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import environment, interpreter, provision
from .console import Stop, say, step, usage
from .interpreter import Interpreter, clean_environment
from .paths import DEVELOPMENT_LOCK, LOGS, ROOT, VAR
from .servers import Server
from .suites import (
    BY_NAME,
    OTHER_INTERPRETER_FOLDERS,
    OTHER_INTERPRETER_MINUTES,
    OTHER_INTERPRETER_STORES,
    SUITES,
    Suite,
)

INTERPRETERS = "interpreters"
NAMES = (*(suite.name for suite in SUITES), INTERPRETERS)
CLOSING_LINE = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s")
COUNTS = ("passed", "failed", "errors", "skipped", "deselected", "xfailed")
NO_TESTS = 5
# For a single test: one that hangs shows where, instead of using up the time of all.
TIME_LIMIT = ("--timeout", "120", "--timeout-method", "thread")


@dataclass(frozen=True)
class Result:
    """What one run of pytest came to."""

    name: str
    minutes: float
    budget: float
    code: int
    counts: dict[str, int]

    @property
    def has_passed(self) -> bool:
        """Nothing failed, and there was something that could have."""
        return self.code == 0 and self.counts.get("passed", 0) > 0


def test(options: argparse.Namespace) -> int:
    """`./dev test [NAME...] [--all]`."""
    unknown = [name for name in options.suites if name not in NAMES]
    if unknown:
        usage(f"there is no suite {unknown[0]}; there are {', '.join(NAMES)}")
    chosen = options.suites or list(NAMES)
    started = time.monotonic()
    python = environment.ready_for_work()
    suites = [BY_NAME[name] for name in chosen if name in BY_NAME]
    variables = _variables(suites)
    results = [_run_suite(python, suite, variables) for suite in suites]
    if INTERPRETERS in chosen or options.all:
        results += _on_other_interpreters(python, every=options.all)
    _table(results)
    return _close(results, time.monotonic() - started)


def _variables(suites: list[Suite]) -> dict[str, str]:
    """The servers of all suites, found once, named to the tests by variables."""
    needed: list[Server] = []
    for suite in suites:
        needed += [server for server in suite.servers if server not in needed]
    paths = provision.provide(needed)
    for server, path in paths.items():
        step(f"{server.title}: {path}")
    return {server.variable: str(path) for server, path in paths.items()}


def _run_suite(python: Path, suite: Suite, variables: dict[str, str]) -> Result:
    arguments = [suite.folder, *_side_by_side(suite.spread)]
    return _pytest(python, suite.name, suite.minutes, arguments, variables)


def _side_by_side(spread: str | None) -> list[str]:
    return ["-n", "2", "--dist", spread] if spread else []


def _on_other_interpreters(python: Path, *, every: bool) -> list[Result]:
    others = _others(python)
    if not others:
        step("no other Python from 3.11 to 3.14 was found: the second interpreter is left out")
    results = []
    for other in others if every else others[:1]:
        venv = VAR / f"venv-{other.version}"
        theirs = environment.ready(venv, other.path, DEVELOPMENT_LOCK)
        folders = [folder for folder in OTHER_INTERPRETER_FOLDERS if (ROOT / folder).is_dir()]
        arguments = [
            *folders,
            "--stores",
            OTHER_INTERPRETER_STORES,
            *_side_by_side("worksteal"),
        ]
        results.append(_pytest(theirs, f"python {other.version}", OTHER_INTERPRETER_MINUTES, arguments, {}))
    return results


def _others(python: Path) -> list[Interpreter]:
    """Every other interpreter, first the one that differs most: 3.11 takes another Django than the rest."""
    ours = interpreter.version_of(python)
    others = [other for other in interpreter.found() if other.version != ours]
    return sorted(others, key=lambda other: (other.version == "3.11") == (ours == "3.11"))


def _pytest(python: Path, name: str, budget: float, arguments: list[str], variables: dict[str, str]) -> Result:
    say()
    step(f"{name} (budget {budget:g} min)")
    command = [str(python), "-m", "pytest", "--skips-fail", "-q", *TIME_LIMIT, *arguments]
    started = time.monotonic()
    lines: list[str] = []
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"test-{name.replace(' ', '-')}.log").open("w", encoding="utf-8") as log:
        pytest = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert pytest.stdout is not None
        with pytest:
            for line in pytest.stdout:
                log.write(line)
                _echo(line)
                lines.append(line)
    minutes = (time.monotonic() - started) / 60
    return Result(name, minutes, budget, pytest.returncode, _counts(lines))


def _echo(line: str) -> None:
    sys.stdout.write(line.encode(sys.stdout.encoding or "utf-8", "backslashreplace").decode(sys.stdout.encoding))
    sys.stdout.flush()


def _counts(lines: list[str]) -> dict[str, int]:
    """What pytest's closing line says."""
    for line in reversed(lines):
        found = CLOSING_LINE.match(line.strip())
        if found:
            pairs = (part.split() for part in found[1].split(", "))
            return {"errors" if word == "error" else word: int(number) for number, word in pairs}
    return {}


def _table(results: list[Result]) -> None:
    say()
    say(f"{'suite':<16}{'minutes':>8}{'budget':>8}   result")
    for result in results:
        counts = ", ".join(f"{result.counts[word]} {word}" for word in COUNTS if result.counts.get(word))
        late = "   over its budget" if result.minutes > result.budget else ""
        verdict = "ok" if result.has_passed else _why(result)
        say(f"{result.name:<16}{result.minutes:>8.1f}{result.budget:>8.1f}   {verdict}: {counts or 'no tests'}{late}")


def _why(result: Result) -> str:
    if result.code in (0, NO_TESTS) and not result.counts.get("passed"):
        return "FAILED, it has no tests"
    if result.counts.get("skipped") and not (result.counts.get("failed") or result.counts.get("errors")):
        return "FAILED, a test that is skipped shows nothing"
    return f"FAILED (exit {result.code})"


def _close(results: list[Result], seconds: float) -> int:
    """One line as pytest writes it, over all suites."""
    if not results:
        raise Stop("no suite was run")
    sums = {word: sum(result.counts.get(word, 0) for result in results) for word in COUNTS}
    broken = [result for result in results if not result.has_passed]
    # A suite that broke down without counting a failure is one: the line must not look green.
    sums["failed"] += sum(not (result.counts.get("failed") or result.counts.get("errors")) for result in broken)
    shown = [
        f"{sums[word]} {word}"
        for word in ("failed", "passed", "skipped", "deselected", "xfailed", "errors")
        if sums[word]
    ]
    say()
    say(f" {', '.join(shown)} in {seconds:.2f}s ".center(80, "="))
    return 1 if broken else 0
