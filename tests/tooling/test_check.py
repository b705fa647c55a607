"""`./dev check` fails on every rule that is broken on purpose."""

from dataclasses import dataclass

import pytest

from tests.tooling.conftest import Checkout

HEAD = '"""Broken on purpose."""\n\n'


@dataclass(frozen=True)
class Broken:
    """A file that breaks one rule, the check that must notice, and what it must say."""

    rule: str
    path: str
    text: str
    check: str
    says: str


def layer(rule: str, path: str, text: str, says: str) -> Broken:
    return Broken(rule, path, HEAD + text, "layers", says)


def spelling(rule: str, path: str, text: str, says: str) -> Broken:
    return Broken(rule, path, HEAD + text, "imports", says)


PLAIN = "The engine knows neither Django nor the dashboard BROKEN"
FLOORS = "Inside the engine each floor knows only the floors below BROKEN"
PAGES = "Views and tags never reach client, control, stores or workers BROKEN"
ROOMS = "Inside the dashboard each floor knows only the floors below BROKEN"

RULES = [
    layer("core-imports-django", "core/model/broken.py", "import django\n", PLAIN),
    layer("core-imports-dashboard", "core/model/broken.py", "import jobs_dashboard.models\n", PLAIN),
    layer("errors-import-model", "core/errors.py", "from .model import job\n", FLOORS),
    layer("model-imports-config", "core/model/broken.py", "from .. import config\n", FLOORS),
    layer("model-imports-tasks", "core/model/broken.py", "from .. import tasks\n", FLOORS),
    layer("tasks-import-backends", "core/tasks/broken.py", "from ..backends import contract\n", FLOORS),
    layer("backends-import-client", "core/backends/broken.py", "from .. import client\n", FLOORS),
    layer("client-imports-control", "core/client.py", "from . import control\n", FLOORS),
    layer("client-imports-worker", "core/client.py", "from . import worker\n", FLOORS),
    layer("worker-imports-app", "core/worker/broken.py", "from .. import app\n", FLOORS),
    layer("app-imports-testing", "core/app.py", "from . import testing\n", FLOORS),
    layer("stores-know-each-other", "core/backends/memory/broken.py", "from .. import redis\n", "Stores do not know"),
    layer("store-is-named", "core/worker/broken.py", "from ..backends import memory\n", "Nobody names a store"),
    layer("redis-outside", "core/worker/broken.py", "import redis\n", "The Redis driver stays in its wing BROKEN"),
    layer("redis-in-pages", "jobs_dashboard/queries/broken.py", "import redis\n", "The Redis driver stays"),
    layer("sqlite-outside", "core/worker/broken.py", "import sqlite3\n", "The SQLite driver stays in its wing BROKEN"),
    layer("psycopg-outside", "core/worker/broken.py", "import psycopg\n", "The PostgreSQL driver stays"),
    layer("models-import-bridge", "jobs_dashboard/models/broken.py", "from jobs_dashboard import bridge\n", ROOMS),
    layer("bridge-imports-queries", "jobs_dashboard/bridge/broken.py", "from jobs_dashboard import queries\n", ROOMS),
    layer("actions-import-views", "jobs_dashboard/actions/broken.py", "from jobs_dashboard import views\n", ROOMS),
    layer("views-import-api", "jobs_dashboard/views/broken.py", "from jobs_dashboard import api\n", ROOMS),
    layer("views-reach-control", "jobs_dashboard/views/broken.py", "from core import control\n", PAGES),
    layer("views-reach-stores", "jobs_dashboard/views/broken.py", "from core.backends import contract\n", PAGES),
    layer("tags-reach-client", "jobs_dashboard/templatetags/broken.py", "from core import client\n", PAGES),
    spelling(
        "import-inside-a-function",
        "jobs_dashboard/queries/broken.py",
        "def late():\n    import json\n\n    return json\n",
        "imports inside late()",
    ),
    spelling(
        "import-for-typing-only",
        "core/model/broken.py",
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from . import job\n",
        "imports for type checking only hide a circle",
    ),
    spelling("core-by-name", "core/model/broken.py", "from core import errors\n", "imports core by its name"),
    spelling(
        "views-take-the-door", "jobs_dashboard/views/broken.py", "from jobs_dashboard import jobs\n", "takes jobs from"
    ),
    Broken("long-file", "core/model/broken.py", HEAD + "x = 1\n" * 500, "sizes", "at most 500"),
    Broken("long-function", "core/model/broken.py", HEAD + "def f():\n" + "    x = 1\n" * 61, "sizes", "at most 60"),
    Broken("long-template", "templates/broken.html", "<p>\n" * 91, "sizes", "at most 90"),
    Broken("unformatted", "core/model/broken.py", HEAD + "x = {  1:2 }\n", "format", "core/model/broken.py"),
    Broken("unused-import", "core/model/broken.py", HEAD + "import os\n", "lint", "F401"),
    Broken("untyped-in-core", "core/model/broken.py", HEAD + "def f(x):\n    return x\n", "types", "no-untyped-def"),
]


@pytest.mark.parametrize("broken", RULES, ids=lambda broken: broken.rule)
def test_a_broken_rule_fails_the_check(checkout: Checkout, broken: Broken) -> None:
    path = checkout.folder / broken.path
    before = path.read_text(encoding="utf-8") if path.exists() else None
    checkout.write(broken.path, (before or "") + broken.text)
    try:
        done = checkout.dev("check", broken.check)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert broken.says in done.stdout


def test_a_circle_fails_the_check(checkout: Checkout) -> None:
    names = ["core/model/broken_a.py", "core/model/broken_b.py"]
    checkout.write(names[0], HEAD + "from . import broken_b\n")
    checkout.write(names[1], HEAD + "from . import broken_a\n")
    try:
        done = checkout.dev("check", "layers")
    finally:
        for name in names:
            (checkout.folder / name).unlink()
    assert done.returncode == 1
    assert "No circle among siblings BROKEN" in done.stdout


def test_without_a_broken_rule_the_same_checks_pass(checkout: Checkout) -> None:
    done = checkout.dev("check", "layers", "imports", "sizes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_exception_that_nothing_needs_is_an_error(checkout: Checkout) -> None:
    path = checkout.folder / "pyproject.toml"
    before = path.read_text(encoding="utf-8")
    exceptions = "[tool.sizes.exceptions]\n"
    path.write_text(before.replace(exceptions, exceptions + '"core/nowhere.py" = "a reason"\n'), encoding="utf-8")
    try:
        done = checkout.dev("check", "sizes")
    finally:
        path.write_text(before, encoding="utf-8")
    assert done.returncode == 1
    assert "core/nowhere.py: needs no exception any more" in done.stdout


def test_an_unknown_check_is_named(checkout: Checkout) -> None:
    done = checkout.dev("check", "colours")
    assert done.returncode == 2
    assert "there is no check colours" in done.stderr
