"""docs/features.md: every promise has a page that is there and a test that exists, or says that it is planned."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "features.md"
ROW = re.compile(r"^\| (\d+|–) \| (.+?) \| (.*?) \| (.+?) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_promise_has_its_row() -> None:
    assert [int(number) for number, *_ in ROWS if number != "–"] == list(range(1, 60))


@pytest.mark.parametrize(("number", "promise", "page", "shown"), ROWS, ids=[f"row-{row[0]}" for row in ROWS])
def test_a_row_leads_to_its_page_and_its_test(number: str, promise: str, page: str, shown: str) -> None:
    assert promise
    if shown == "planned":
        return
    name = page[page.index("(") + 1 : -1]
    assert (ROOT / "docs" / name).is_file(), f"row {number}: {name} is not there"
    if shown != "advice":
        file, _, test = shown.strip("`").partition("::")
        assert test in names_in(file), f"row {number}: {shown} is not there"
