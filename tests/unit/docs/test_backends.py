"""docs/backends.md: every cell of its tables names a test that pytest collects for that store, or says why none."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "backends.md"
STORES = {
    "memory": "memory",
    "SQLite": "sqlite",
    "Redis": "redis",
    "Redis Cluster": "redis-cluster",
    "Redis Sentinel": "redis-sentinel",
    "PostgreSQL": "postgres",
}
TABLES = ("What each store promises", "What each store costs", "What each store loses")
REFERENCE = re.compile(r"\[([a-z][a-z0-9-]*)\](?!\()")
NOT_TRIED = re.compile(r"not tried: \w+")
SERVERS = ("REDIS_SERVER", "POSTGRES_SERVER", "CHROMIUM")


class Cell(NamedTuple):
    """One store's answer in one row."""

    table: str
    row: str
    store: str
    text: str


class Shown(NamedTuple):
    """What a reference stands for; store: whom it speaks for, where its id does not say so.

    "all": it shows what happens before any store is asked.
    """

    test: str
    store: str


def section(page: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def rows_of(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if not re.match(r"^\|[-| ]+$", line)
    ]


def cells(page: str) -> list[Cell]:
    """Every cell of the three tables but the first of each row."""
    found = []
    for table in TABLES:
        head, *rows = rows_of(section(page, table)) or [[]]
        for name, *answers in rows:
            found += [Cell(table, name, store, text) for store, text in zip(head[1:], answers, strict=True)]
    return found


def references(page: str) -> dict[str, Shown]:
    _, *rows = rows_of(section(page, "The tests")) or [[]]
    return {name.strip("[]"): Shown(test.strip("`"), store) for name, test, store in rows}


def stores_of(node: str) -> set[str]:
    """Which stores a collected test is about: by the parameter in its id, else by its place."""
    place, _, parameters = node.partition("[")
    parts = re.sub(r"redis-(cluster|sentinel)", r"redis_\1", parameters.rstrip("]")).split("-")
    told = {part.replace("_", "-") for part in parts} & set(STORES.values())
    if told:
        return told
    match Path(place.split("::")[0]).parts:
        case ("tests", "stores", store, file):
            kind = re.match(r"test_(cluster|sentinel)", file)
            return {f"{store}-{kind[1]}" if kind else store}
    return set()


def problems(page: str, collected: frozenset[str]) -> list[str]:
    """What is wrong with the tables of a page, one sentence each."""
    known = references(page)
    found = [f"there is no table {title!r}" for title in TABLES if not rows_of(section(page, title))]
    found += [f"{cell.row}, {cell.store}: {why}" for cell in cells(page) if (why := fault(cell, known, collected))]
    used = set(REFERENCE.findall(re.sub(r"`[^`]*`", "", page.partition("\n## The tests\n")[0])))
    found += [f"[{name}] is used nowhere" for name in known if name not in used]
    found += [f"[{name}] is not in the list of tests" for name in sorted(used - known.keys())]
    return found + [
        f"[{name}]: pytest collects no {shown.test}"
        for name, shown in known.items()
        if not nodes_of(shown.test, collected)
    ]


def nodes_of(test: str, collected: frozenset[str]) -> list[str]:
    """The ids under which pytest collects a test."""
    return [node for node in collected if node == test or node.startswith(f"{test}[")]


def fault(cell: Cell, known: dict[str, Shown], collected: frozenset[str]) -> str:
    """What is wrong with a cell; empty when nothing is."""
    names = REFERENCE.findall(cell.text)
    if not names:
        return "" if NOT_TRIED.search(cell.text) else f"{cell.text!r} names no test, and no reason why there is none"
    for name in names:
        if name not in known:
            return "names a test that is not in the list"
        test, store = known[name]
        nodes = nodes_of(test, collected)
        if (
            nodes
            and not any(STORES[cell.store] in ({store} if store else stores_of(node)) for node in nodes)
            and store != "all"
        ):
            return f"[{name}]: {test} is not collected for this store"
    return ""


@cache
def collect(files: tuple[str, ...]) -> frozenset[str]:
    """The ids that pytest collects in some files; no server is started for that, so any program passes for one."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    variables = {**os.environ, **dict.fromkeys(SERVERS, sys.executable), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8", timeout=100)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return frozenset(line for line in done.stdout.splitlines() if "::" in line)


def collected_for(page: str) -> frozenset[str]:
    files = {shown.test.split("::")[0] for shown in references(page).values()}
    return collect(tuple(sorted(file for file in files if (ROOT / file).is_file())))


def test_every_cell_names_a_test_that_is_collected_for_its_store():
    page = PAGE.read_text(encoding="utf-8")
    assert not problems(page, collected_for(page))


def test_the_tables_have_a_column_for_every_store():
    page = PAGE.read_text(encoding="utf-8")
    for title in TABLES:
        head, *rows = rows_of(section(page, title))
        assert set(STORES) - set(head[1:]) <= {"Redis Sentinel"}
        assert len(rows) >= 6


EXAMPLE = """
## What each store promises

| | SQLite | Redis Cluster |
|---|---|---|
| it is kept | yes [kept] | yes [kept] |
| it is quick | {quick} | not tried: no clock is good enough |

## What each store costs

| | Redis | PostgreSQL |
|---|---|---|
| a call | 1 [one-call] | 2 [kept] |

## What each store loses

| | memory |
|---|---|
| everything | all of it [gone] |

## The tests

| | test | for |
|---|---|---|
| [kept] | `tests/conformance/test_x.py::test_kept` | |
| [one-call] | `tests/stores/redis/test_x.py::test_one_call` | |
| [gone] | `tests/faults/test_x.py::test_gone` | memory |
| [slow] | `tests/stores/sqlite/test_x.py::test_slow` | |
"""
COLLECTED = frozenset(
    {
        "tests/conformance/test_x.py::test_kept[sqlite-one]",
        "tests/conformance/test_x.py::test_kept[redis-cluster-one]",
        "tests/conformance/test_x.py::test_kept[postgres-one]",
        "tests/stores/redis/test_x.py::test_one_call[always]",
        "tests/faults/test_x.py::test_gone",
        "tests/stores/sqlite/test_x.py::test_slow",
    }
)


def test_a_page_as_it_should_be_has_no_problem():
    assert problems(EXAMPLE.format(quick="no [slow]"), COLLECTED) == []


@pytest.mark.parametrize(
    ("quick", "word"),
    [
        ("no", "names no test"),
        ("not tried", "names no test"),
        ("no [fast] [slow]", "names a test that is not in the list"),
        ("no [one-call] [slow]", "not collected for this store"),
    ],
)
def test_a_cell_without_a_test_for_its_store_is_found(quick: str, word: str):
    found = problems(EXAMPLE.format(quick=quick), COLLECTED)
    assert word in found[0]


@pytest.mark.parametrize("gone", sorted(COLLECTED))
def test_a_cell_whose_test_is_no_longer_collected_is_found(gone: str):
    assert problems(EXAMPLE.format(quick="no [slow]"), COLLECTED - {gone})


def test_a_lone_server_does_not_speak_for_a_cluster():
    only_alone = COLLECTED - {"tests/conformance/test_x.py::test_kept[redis-cluster-one]"}
    found = problems(EXAMPLE.format(quick="no [slow]"), only_alone | {"tests/conformance/test_x.py::test_kept[redis]"})
    assert found == [
        "it is kept, Redis Cluster: [kept]: tests/conformance/test_x.py::test_kept is not collected for this store"
    ]


def test_a_missing_table_and_an_unused_test_are_found():
    page = EXAMPLE.format(quick="not tried: nobody asked").replace("## What each store loses", "## Losses")
    assert problems(page, COLLECTED) == [
        "there is no table 'What each store loses'",
        "[slow] is used nowhere",
    ]


def test_references_outside_of_tables_are_looked_at_as_well():
    page = EXAMPLE.format(quick="no") + "\n"
    told = page.replace(
        "## What each store costs", "Slowly [slow], never [fast], in `code[fine]`.\n\n## What each store costs"
    )
    gone = frozenset(node for node in COLLECTED if "slow" not in node)
    assert problems(told, gone)[1:] == [
        "[fast] is not in the list of tests",
        "[slow]: pytest collects no tests/stores/sqlite/test_x.py::test_slow",
    ]


def test_what_is_collected_is_asked_of_pytest():
    found = collected_for(PAGE.read_text(encoding="utf-8"))
    nodes = {node for node in found if "::test_a_paused_queue_hands_out_nothing[" in node}
    assert {store for node in nodes for store in stores_of(node)} >= {"memory", "sqlite", "redis", "postgres"}
