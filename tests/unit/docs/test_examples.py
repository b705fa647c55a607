"""The examples that readers copy are run here, as they stand in the README and in docs/."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from core.model.snapshot import JobSnapshot
from core.model.states import State
from core.testing import TestJobs, jobs_for_tests

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def run(code: str, name: str, **given: object) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(given)
    sys.modules[name] = module  # annotations of dataclasses and tasks are resolved through it
    exec(compile(code, name, "exec"), module.__dict__)
    return module


def test_the_readmes_first_example_runs() -> None:
    first = blocks("README.md")[0]
    assert "send_email" in first
    with jobs_for_tests() as jobs:
        module = run(first, "readme_example")
        assert [job.result for job in jobs.drain()] == [{"sent": "ada@example.com"}]
        assert len(jobs.recent(state="scheduled")) == 1
        module.send_email.enqueue(to="nobody", subject="x")
        [dead] = jobs.drain()
        assert dead.error is not None
        assert dead.error.message == "nobody is no address"


@pytest.mark.django_db
def test_the_guides_examples_run_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    guide = blocks("docs/jobs.md")
    with jobs_for_tests() as jobs:
        module = run("\n".join(guide), "guide")
        assert {job.task.rpartition(".")[2] for job in jobs.drain()} >= {"send_email", "charge", "fetch", "notify"}
        told = {job.arguments["order"]: job.state for job in _all(jobs) if job.task == "guide.charge"}
        assert told == {1: "completed", 2: "dead", 3: "failed", 4: "scheduled"}
        assert [message for _, message in module.failures] == ["this card is blocked"]
        assert "hi, ada@example.com" in [job.result for job in jobs.recent(limit=20)]


def _all(jobs: TestJobs) -> list[JobSnapshot]:
    return [job for state in State for job in jobs.recent(limit=100, state=state)]


def test_every_example_is_python() -> None:
    pages = ["README.md", *(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").glob("*.md")))]
    for page in pages:
        for code in blocks(page):
            compile(code.replace("[...,", "["), page, "exec")


TASKS = """
from django.core import mail
from jobs_dashboard import task

@task(name="welcome")
def welcome(to):
    if to.startswith("down") and not mail.outbox:
        mail.outbox.append(to)
        raise OSError("the mail server is down")
    mail.outbox.append(to)
    return {"sent": to}

def sign_up(to):
    welcome.enqueue(to)
"""


@pytest.mark.slow
def test_the_page_on_testing_works_as_a_project_of_its_own(tmp_path: Path) -> None:
    """A stranger's folder: conftest and tests as the page gives them."""
    conftest, *tests = blocks("docs/testing.md")
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "shop.py").write_text(TASKS)
    head = "from django.core import mail\nfrom django.test import TestCase\nfrom shop import sign_up\n\n"
    (tmp_path / "test_page.py").write_text(head + "\n".join(tests))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ds=jobs_dashboard.settings"]
    command += ["--rootdir", str(tmp_path), f"--override-ini=pythonpath={ROOT} {tmp_path}", str(tmp_path)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "4 passed" in ended.stdout, ended.stdout + ended.stderr
