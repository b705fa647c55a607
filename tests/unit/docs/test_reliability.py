"""docs/reliability.md: every promise names a test that is there, and the table of `./dev chaos` has every row."""

import ast
import re
from pathlib import Path

import pytest

from tests.chaos.nodes import ByTests
from tests.chaos.rows import ROWS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"`((?:tests/[\w/]+/)?test_\w+\.py)(?:::(test_\w+))?`")


def rows_of(page: str, title: str) -> list[list[str]]:
    """The cells of a section's first table, without its head."""
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def problems(page: str) -> list[str]:
    """Promises without a test, one sentence each."""
    found = []
    for promise, test in rows_of(page, "Promises"):
        named = NAMED.findall(test)
        if not named:
            found.append(f"{promise!r} names no test")
        for name, function in named:
            file = ROOT / name if name.startswith("tests/") else ROOT / "tests" / "faults" / name
            if not file.is_file():
                found.append(f"{promise!r}: there is no {name}")
            elif not (names_in(file) if not function else {function} & names_in(file)):
                found.append(f"{promise!r}: {name} has no {function or 'test'}")
    return found


def test_every_promise_names_a_test_that_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(rows_of(page, "Promises")) >= 15
    assert not problems(page)


def test_every_row_of_the_chaos_run_is_shown_with_what_it_came_to() -> None:
    shown = rows_of(PAGE.read_text(encoding="utf-8"), "Every fault at once")
    assert [row[0] for row in shown] == list(ROWS)
    assert all(len(row) == 4 and all(row[:3]) for row in shown)


def test_every_test_that_a_row_runs_is_there() -> None:
    nodes = [node for trial in ROWS.values() if isinstance(trial, ByTests) for node in trial.nodes]
    assert nodes
    for file, _, function in (node.partition("::") for node in nodes):
        assert names_in(ROOT / file) >= ({function} if function else set()), file


@pytest.mark.parametrize(
    ("test", "word"),
    [
        ("the same", "names no test"),
        ("`test_nowhere.py::test_nothing`", "there is no"),
        ("`test_kills.py::test_nothing`", "has no test_nothing"),
    ],
)
def test_a_promise_without_a_test_is_told(test: str, word: str) -> None:
    [problem] = problems(f"\n## Promises\n\n| promise | test |\n|---|---|\n| it holds | {test} |\n")
    assert word in problem
