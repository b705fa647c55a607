"""Rows that are tests already: run as pytest runs them, and counted."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.field import Field
from tests.chaos.finding import Finding

ROOT = Path(__file__).parents[2]
LIMIT_S = 900


@dataclass(frozen=True)
class ByTests:
    """A trial that runs tests. but: what is not tried, in words."""

    nodes: tuple[str, ...]
    but: str = ""

    def __call__(self, _: Field) -> Finding:
        command = [sys.executable, "-m", "pytest", "-q", "--skips-fail", "-p", "no:cacheprovider", "--timeout", "300"]
        done = subprocess.run([*command, *self.nodes], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
        counts = {
            word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)", done.stdout[-400:])
        }
        finding = Finding("tests", tried=sum(counts.values()), held=counts.get("passed", 0))
        finding.violations = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
        if done.returncode and not finding.violations:
            finding.violations.append((done.stdout + done.stderr)[-500:])
        finding.figure = f"not tried: {self.but}" if self.but else ""
        return finding


def by_tests(*nodes: str, but: str = "") -> ByTests:
    return ByTests(nodes, but)
