"""In somebody else's project, as `startproject` makes it: found tasks, a store of its own, clean output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TASKS = """
from jobs_dashboard import task

@task
def hello(name: str) -> str:
    return f"hello {name}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with one app, and ours beside it."""
    _django(tmp_path, "-m", "django", "startproject", "shop", ".")
    settings = tmp_path / "shop" / "settings.py"
    apps = '["jobs_dashboard", "django_htmx", "ninja", "till",'
    settings.write_text(settings.read_text().replace("INSTALLED_APPS = [", f"INSTALLED_APPS = {apps}"))
    urls = tmp_path / "shop" / "urls.py"
    ours = 'path("ops/api/", include("jobs_dashboard.api.urls")), path("ops/jobs/", include("jobs_dashboard.urls")),'
    told = urls.read_text().replace("import path", "import include, path")
    urls.write_text(told.replace("urlpatterns = [", f"urlpatterns = [{ours}"))
    app = tmp_path / "till"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "tasks.py").write_text(TASKS)
    _django(tmp_path, "manage.py", "migrate", "-v0")
    return tmp_path


def test_it_checks_enqueues_runs_and_counts(project: Path) -> None:
    checked = _django(project, "manage.py", "check")
    [id] = _django(project, "manage.py", "enqueue", "till.tasks.hello", "--payload", '{"name": "ann"}').splitlines()
    assert id.startswith("default~"), "nothing but ids on stdout"

    _django(project, "manage.py", "runworkers", "--burst")

    assert '"result": "hello ann"' in _django(project, "manage.py", "jobs", "show", id, "--json")
    assert str(project / "var" / "jobs.sqlite3") in checked


def test_its_api_answers_under_the_projects_own_prefix(project: Path) -> None:
    token = _django(project, "manage.py", "apitoken", "create", "till").strip()
    code = (
        "from django.test import Client;"
        f"print(Client(headers={{'authorization': 'Bearer {token}'}}, SERVER_NAME='localhost')"
        ".get('/ops/api/jobs/default~00q40g78ctg00233dkdjv2l').json()['status'])"
    )

    assert _django(project, "manage.py", "shell", "--no-imports", "-c", code).strip() == "404"


def _django(folder: Path, *words: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
