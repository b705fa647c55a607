"""In somebody else's project, as `startproject` makes it: found tasks, a store of its own, clean output."""

from __future__ import annotations

import os
import re
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


_README = re.compile(r"# settings\.py\n(.*?)\n# urls\.py\n(.*?)\n# yourapp/tasks\.py", re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with one app, and ours beside it, by the README's own words; on SQLite."""
    _django(tmp_path, "-m", "django", "startproject", "shop", ".")
    [(settings, urls)] = _README.findall((ROOT / "README.md").read_text())
    settings = re.sub("^JOBS = .*", "", settings, flags=re.MULTILINE)
    with (tmp_path / "shop" / "settings.py").open("a") as file:
        file.write(settings.replace("...", '*INSTALLED_APPS, "till"'))
        file.write(f'TEMPLATES[0]["DIRS"] = ["{ROOT / "templates"}"]\n')  # a wheel holds them inside the package
    with (tmp_path / "shop" / "urls.py").open("a") as file:
        file.write(urls.replace("...", "*urlpatterns"))
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
        ".get('/api/v1/jobs/default~00q40g78ctg00233dkdjv2l').json()['status'])"
    )

    assert _django(project, "manage.py", "shell", "--no-imports", "-c", code).strip() == "404"


def test_a_stranger_is_led_to_a_login_that_is_there_and_staff_to_every_page(project: Path) -> None:
    code = (
        "from django.contrib.auth.models import User; from django.test import Client;"
        "print(Client(SERVER_NAME='localhost').get('/jobs/', follow=True).status_code);"
        "User.objects.create_superuser('ann', '', 'a long password');"
        "seen = Client(SERVER_NAME='localhost');"
        "print(seen.post('/jobs/login/', {'username': 'ann', 'password': 'a long password'}).url);"
        "pages = ['/jobs/', '/jobs/jobs/', '/jobs/schedules/', '/jobs/workers/', '/api/v1/docs'];"
        "print(*[seen.get(page).status_code for page in pages])"
    )

    told = _django(project, "manage.py", "shell", "--no-imports", "-c", code).splitlines()

    assert told == ["200", "/jobs/", "200 200 200 200 200"]


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
