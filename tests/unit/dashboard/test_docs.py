"""The pages name every variable, command and operation there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.config import variables
from jobs_dashboard.api.problems import _OF_STATUS, _TABLE
from jobs_dashboard.api.urls import api

ROOT = Path(__file__).resolve().parents[3]
READERS = ("settings.py", "mail.py")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_every_variable_of_the_engine_stands_in_the_table() -> None:
    told = page("configuration.md")

    assert [name for name in (*variables().values(), "JOBS_PROFILE", "REDIS_URL") if f"`{name}`" not in told] == []


@pytest.mark.parametrize("module", READERS)
def test_every_variable_of_the_project_stands_in_the_table(module: str) -> None:
    told = page("configuration.md")
    read = re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', (ROOT / "jobs_dashboard" / module).read_text())

    assert read
    assert [name for name in read if f"`{name}`" not in told] == []


def test_every_command_has_its_place() -> None:
    told = page("commands.md")
    commands = [path.stem for path in (ROOT / "jobs_dashboard/management/commands").glob("[a-z]*.py")]

    assert [name for name in commands if f"manage.py {name}" not in told] == []


def test_every_operation_and_problem_has_its_place() -> None:
    told = page("http-api.md")
    kinds = {kind for _, _, kind, _ in _TABLE} | {kind for kind, _ in _OF_STATUS.values()}

    assert [kind for kind in kinds - {"unreadable"} if f"`{kind}`" not in told] == []
    for path in api.get_openapi_schema()["paths"]:
        assert path.replace("{id}", "<id>").rpartition("/")[2] in told
