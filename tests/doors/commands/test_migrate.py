"""`manage.py migrate` brings the jobs' store along, says so in a line, and says no where it cannot."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from core.app import Jobs
from core.backends.opener import schema_of
from jobs_dashboard.management.commands import migrate
from jobs_dashboard.management.commands.migrate import Command

pytestmark = pytest.mark.django_db

Migrate = Callable[..., list[str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
def typed(file: Path) -> Migrate:
    """Run it as from a command line; answers its lines about the store."""

    def run(*words: str, url: str = f"sqlite:///{file}", is_typed: bool = True) -> list[str]:
        out = io.StringIO()
        command = Command(stdout=out)
        command.is_typed = is_typed
        with override_settings(JOBS={"BACKEND_URL": url}):
            call_command(command, *words, "--no-input", skip_checks=True)
        return [line for line in out.getvalue().splitlines() if line.startswith("Store")]

    return run


def make_old(monkeypatch: pytest.MonkeyPatch, *, before: int, newest: int) -> list[str]:
    """Let every store seem to have that schema; answers the URLs of those that were upgraded."""
    upgraded: list[str] = []
    monkeypatch.setattr(migrate, "schema_of", lambda url: (before, newest))
    monkeypatch.setattr(migrate, "upgrade", upgraded.append)
    return upgraded


def test_a_new_store_is_made_and_the_next_run_finds_nothing_to_do(file: Path, typed: Migrate) -> None:
    newest = schema_of(f"sqlite:///{file}")[1]
    assert typed() == [f"Store sqlite:///{file}: schema {newest}, new"]
    assert typed() == [f"Store sqlite:///{file}: schema {newest}, nothing to do"]


def test_an_old_store_is_upgraded_and_its_numbers_told(
    file: Path, typed: Migrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded = make_old(monkeypatch, before=3, newest=5)
    assert typed() == [f"Store sqlite:///{file}: schema 3 -> 5"]
    assert upgraded == [f"sqlite:///{file}"]


def test_a_plan_and_a_check_change_nothing(file: Path, typed: Migrate) -> None:
    newest = schema_of(f"sqlite:///{file}")[1]
    assert typed("--plan") == [f"Store sqlite:///{file}: schema {newest}, new (planned)"]
    with pytest.raises(SystemExit) as ended:
        typed("--check")
    assert (ended.value.code, file.exists()) == (1, False)

    typed()
    assert typed("--check") == [f"Store sqlite:///{file}: schema {newest}, nothing to do"]


@pytest.mark.parametrize("words", [("--skip-store",), ("auth",), ("jobs_dashboard", "0002"), ("--fake",), ("-v0",)])
def test_what_does_not_mean_the_store_leaves_it(typed: Migrate, words: tuple[str, ...]) -> None:
    assert typed(*words) == []


def test_another_database_leaves_it(typed: Migrate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate.migrate.Command, "handle", lambda *_, **__: None)
    assert typed("--database", "default") != []
    monkeypatch.setattr(migrate, "DEFAULT_DB_ALIAS", "another")
    assert typed() == []


def test_called_from_code_as_by_a_test_run_it_leaves_the_store_alone(file: Path, typed: Migrate) -> None:
    assert typed(is_typed=False) == []
    assert not file.exists()


def test_a_store_without_a_schema_is_not_even_asked(typed: Migrate) -> None:
    assert typed(url="redis://:secret@127.0.0.1:1/0") == [
        "Store redis://:…@127.0.0.1:1/0: has no schema, nothing to do"
    ]
    assert typed(url="memory://") == []


def test_a_store_that_cannot_be_opened_is_told_after_djangos_tables_are_done(
    file: Path, typed: Migrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE theirs (id int)")
    with pytest.raises(CommandError, match="Django's tables are done; the jobs' store is not: .*another") as told:
        typed()
    assert told.value.returncode == 3


def test_plain_python_has_it_too(file: Path) -> None:
    done = Jobs.migrate(f"sqlite:///{file}")
    assert (done.url, done.before) == (f"sqlite:///{file}", 0)
    assert Jobs.migrate(f"sqlite:///{file}") == (done.url, done.after, done.after)
