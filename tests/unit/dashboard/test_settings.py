"""Settings: nothing is needed in development, nothing may be missing or weak in production."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs_dashboard import environment
from jobs_dashboard.database_url import database_from
from jobs_dashboard.secret_key import kept_key, require_strong

ROOT = Path(__file__).resolve().parents[3]
KEY = secrets.token_urlsafe(60)
PRODUCTION = {"JOBS_ENV": "production", "SECRET_KEY": KEY, "ALLOWED_HOSTS": "jobs.example.com"}
TELL = (
    "from django.conf import settings as s;"
    "print(s.DEBUG, s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS, s.SECURE_SSL_REDIRECT)"
)


def manage(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, ROOT / "manage.py", *words]
    return subprocess.run(command, env=kept | variables, text=True, capture_output=True, timeout=60, check=False)


def test_nothing_is_needed_in_development() -> None:
    ran = manage("shell", "--no-imports", "-c", TELL)

    assert ran.stdout.split() == ["False", "jobs_session", "False", "0", "False"], ran.stderr


def test_production_uses_host_cookies_hsts_and_https() -> None:
    ran = manage("shell", "--no-imports", "-c", TELL, **PRODUCTION)

    assert ran.stdout.split() == ["False", "__Host-jobs_session", "True", "31536000", "True"], ran.stderr


def test_production_passes_djangos_own_deployment_checks() -> None:
    ran = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert ran.returncode == 0, ran.stderr


def test_production_without_https_keeps_plain_cookie_names_and_is_warned_of() -> None:
    told = manage("shell", "--no-imports", "-c", TELL, **PRODUCTION, HTTPS="false")
    checked = manage("check", **PRODUCTION, HTTPS="false")

    assert told.stdout.split() == ["False", "jobs_session", "False", "0", "False"]
    assert "in the clear" in checked.stderr


def test_real_hosts_in_development_are_warned_of() -> None:
    assert "JOBS_ENV is development" in manage("check", ALLOWED_HOSTS="jobs.example.com").stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"JOBS_ENV": "production"}, ["SECRET_KEY and ALLOWED_HOSTS"]),
        ({**PRODUCTION, "SECRET_KEY": ""}, ["SECRET_KEY must be set"]),
        ({**PRODUCTION, "ALLOWED_HOSTS": " , "}, ["ALLOWED_HOSTS must be set"]),
        ({**PRODUCTION, "SECRET_KEY": "short"}, ["SECRET_KEY is weak", "50"]),
        ({**PRODUCTION, "SECRET_KEY": "ab" * 40}, ["SECRET_KEY is weak"]),
        ({**PRODUCTION, "SECRET_KEY": "django-insecure-" + KEY}, ["SECRET_KEY is weak"]),
        ({**PRODUCTION, "DEBUG": "true"}, ["DEBUG", "production"]),
        ({"JOBS_ENV": "developement"}, ["SECRET_KEY"]),
        ({"DEBUG": "maybe"}, ["DEBUG", "true or false"]),
        ({"DATABASE_URL": "postgress://u:secret@h/db"}, ["DATABASE_URL", "postgres://"]),
        ({"DATABASE_URL": "nonsense"}, ["DATABASE_URL"]),
        ({"TIME_ZONE": "Mars/Olympus"}, ["TIME_ZONE", "Europe/Berlin"]),
        ({"EMAIL_PORT": "99999"}, ["EMAIL_PORT", "65535"]),
        ({"LOG_FORMAT": "xml"}, ["LOG_FORMAT", "json"]),
        ({"JOBS_WORKER_COUNT": "many"}, ["JOBS_WORKER_COUNT", "whole number"]),
        ({"JOBS_TASK_MODULES": "no.such.module"}, ["JOBS_TASK_MODULES", "no.such.module"]),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_sentence_that_names_it(
    variables: dict[str, str], words: list[str]
) -> None:
    ran = manage("check", **variables)

    assert ran.returncode == 2
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert all(word in ran.stderr for word in words), ran.stderr
    assert "secret@" not in ran.stderr


def test_the_kept_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"

    key = kept_key(path)

    require_strong(key)
    assert kept_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_key_file_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.touch()

    require_strong(kept_key(path))


def test_a_key_that_cannot_be_kept_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")

    with pytest.raises(ImproperlyConfigured, match="set SECRET_KEY"):
        kept_key(tmp_path / "var" / "secret_key")


def test_sqlite_gets_wal_patience_and_transactions_that_write(tmp_path: Path) -> None:
    for made in (
        database_from("", default_file=tmp_path / "a b%20c" / "db.sqlite3"),
        database_from("sqlite:////srv/db.sqlite3", default_file=tmp_path / "x"),
    ):
        assert made["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        assert made["OPTIONS"]["timeout"] == 20
        assert "journal_mode=WAL" in made["OPTIONS"]["init_command"]
    assert (tmp_path / "a b%20c").is_dir()


def test_postgresql_keeps_its_own_options(tmp_path: Path) -> None:
    made = database_from("postgres://u:p%40ss@db:5433/jobs?sslmode=require", default_file=tmp_path / "x")

    assert made["ENGINE"] == "django.db.backends.postgresql"
    assert (made["PASSWORD"], made["PORT"], made["OPTIONS"]) == ("p@ss", 5433, {"sslmode": "require"})


@pytest.mark.parametrize(("told", "value"), [("YES", True), ("off", False), (" 1 ", True), ("", True), ("  ", True)])
def test_flags_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch, told: str, value: bool) -> None:
    monkeypatch.setenv("SOME_FLAG", told)

    assert environment.flag("SOME_FLAG", default=True) is value


@pytest.mark.parametrize("is_named", [True, False])
def test_a_new_sqlite_database_is_its_owners_alone_and_an_old_one_keeps_its_mode(
    tmp_path: Path, *, is_named: bool
) -> None:
    file = tmp_path / "db.sqlite3"

    def mode_after_reading_settings() -> int:
        database_from(f"sqlite:///{file}" if is_named else "", default_file=file)
        return stat.S_IMODE(file.stat().st_mode)

    assert mode_after_reading_settings() == 0o600
    file.chmod(0o640)
    assert mode_after_reading_settings() == 0o640


def test_a_database_in_memory_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    database_from("sqlite://:memory:", default_file=tmp_path / "db.sqlite3")

    assert not list(tmp_path.iterdir())


def test_any_host_at_all_is_a_warning_in_production() -> None:
    ran = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | {"ALLOWED_HOSTS": "*"})

    assert ran.returncode != 0
    assert "jobs_dashboard.W003" in ran.stderr
