"""What `manage.py check` says of jobs in transactions."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.test import override_settings

from jobs_dashboard import checks
from jobs_dashboard.checks import check_transactions

STORE = "postgres://jobs:secret@db:5432/shop"


@pytest.fixture
def django_on(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the default database be another one, as its settings tell."""

    def use(*, vendor: str = "postgresql", driver: str = "psycopg", **given: Any) -> None:
        entry = {"NAME": "shop", "HOST": "db", "PORT": "", "OPTIONS": {}, **given}
        default = SimpleNamespace(vendor=vendor, Database=ModuleType(driver), settings_dict=entry)
        monkeypatch.setattr(checks, "connections", {"default": default})

    return use


def told(url: str = STORE, **more: Any) -> list[tuple[str | None, str]]:
    with override_settings(JOBS={"BACKEND_URL": url, **more}):
        return [(message.id, message.msg) for message in check_transactions(None)]


def test_the_same_database_by_its_settings_is_well(django_on: Any) -> None:
    django_on()
    assert told() == []
    django_on(HOST="", PORT=5433, OPTIONS={"host": "/run/pg"})
    assert told("postgres:///shop?host=/run/pg&port=5433") == []


@pytest.mark.parametrize("given", [{"NAME": "other"}, {"HOST": "elsewhere"}, {"PORT": "6432"}])
def test_another_database_is_named_without_passwords(django_on: Any, given: dict[str, str]) -> None:
    django_on(PASSWORD="secret", **given)

    [(id, sentence)] = told()
    assert id == "jobs_dashboard.I001"
    assert "shop at db:5432" in sentence
    assert "secret" not in sentence


def test_another_driver_is_a_warning(django_on: Any) -> None:
    django_on(driver="psycopg2")

    [(id, sentence)] = told()
    assert (id, "psycopg2" in sentence) == ("jobs_dashboard.W004", True)


def test_nothing_is_said_where_nothing_could_be_joined(django_on: Any) -> None:
    django_on(vendor="sqlite")
    assert told() == []
    django_on(NAME="other")
    assert told("redis://localhost") == []
    assert told(ON_COMMIT=False) == []
