"""The tasks of the demo, called as the plain functions they also are."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMessage

from examples import archive, tasks
from examples.installation import SHIPPED, modules_to_audit
from examples.module_audit import ModuleFigures, NotPythonError
from examples.report import Report
from examples.run import Run
from jobs_dashboard import Cancelled, JobContext, PermanentError, Snooze, State, TemporaryError

RUN = "20260131-093000-1f2e"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMO_FOLDER", str(tmp_path))
    monkeypatch.setenv("DEMO_MODULES", "20")
    return tmp_path


@pytest.fixture
def run(root: Path) -> Run:
    run = Run(root, RUN)
    run.save_jobs([])
    return run


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the store answers when the report asks for the jobs of its run."""
    jobs: list[Any] = []
    monkeypatch.setattr(tasks, "jobs", SimpleNamespace(get_many=lambda ids: jobs))
    return jobs


def job(state: State, result: Any = None, task: str = tasks.audit_module.name) -> Any:
    return SimpleNamespace(task=task, state=state, result=result)


def attempt(number: int) -> JobContext:
    return JobContext(job_id="default~1", attempt=number, max_attempts=5, task="a task", queue="default")


# Audits


def test_an_audit_returns_the_figures_of_the_file() -> None:
    figures = tasks.audit_module(Path(tasks.__file__), "examples.tasks")
    assert figures.module == "examples.tasks"
    assert figures.functions >= 10


def test_a_file_that_is_no_python_is_given_up_with_its_place_and_cause() -> None:
    path = SHIPPED / "syntax_error.py"
    with pytest.raises(PermanentError) as given_up:
        tasks.audit_module(path, "broken")
    assert str(given_up.value) == f"{path}:5: '(' was never closed"
    assert isinstance(given_up.value.__cause__, NotPythonError)


def test_a_file_that_is_not_there_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tasks.audit_module(tmp_path / "gone.py", "gone")


# The long one and the flaky one


def test_the_fingerprint_covers_every_audited_file(root: Path) -> None:
    whole = hashlib.sha256(b"".join(module.path.read_bytes() for module in modules_to_audit(20))).hexdigest()
    assert tasks.fingerprint_installation(attempt(1), steps=1, pause=0) == {"files": 20, "sha256": whole}


def test_the_fingerprint_stops_when_it_is_cancelled(root: Path) -> None:
    cancelled = attempt(1)
    cancelled.cancel_asked.set()
    with pytest.raises(Cancelled, match="0 of 50 steps"):
        tasks.fingerprint_installation(cancelled)


@pytest.mark.parametrize("number", [1, 2])
def test_the_service_refuses_two_calls_and_says_when_to_come_again(number: int) -> None:
    with pytest.raises(TemporaryError) as refused:
        asyncio.run(tasks.wake_service(attempt(number)))
    assert refused.value.retry_after == timedelta(seconds=8)


def test_the_service_answers_the_third_call() -> None:
    assert asyncio.run(tasks.wake_service(attempt(3))) == "answered call 3"


# The report


@pytest.mark.parametrize("state", [state for state in State if not state.is_final])
def test_the_report_snoozes_while_a_job_of_its_run_is_unfinished(run: Run, found: list[Any], state: State) -> None:
    found += [job(State.COMPLETED), job(state), None]
    with pytest.raises(Snooze, match="1 jobs") as snoozed:
        tasks.write_report(RUN)
    assert snoozed.value.delay == timedelta(seconds=2)
    assert not run.csv.exists()


def test_the_report_covers_the_completed_audits_and_counts_the_others(
    run: Run, found: list[Any], modules: list[ModuleFigures]
) -> None:
    found += [job(State.COMPLETED, asdict(module)) for module in reversed(modules)]
    found += [job(State.DEAD), job(State.DEAD), job(State.CANCELLED), None]
    found += [job(State.COMPLETED, "answered", task=tasks.wake_service.name)]
    report = tasks.write_report(RUN)
    assert (report.modules, report.broken, report.missing) == (len(modules), 2, 2)
    assert report.lines == sum(module.lines for module in modules)
    assert run.csv.read_text(encoding="utf-8").count("\n") == 1 + len(modules)
    assert run.json.exists()
    assert run.spreadsheet.exists()


def test_a_report_that_was_made_is_not_made_again_from_results_that_are_gone(
    run: Run, found: list[Any], modules: list[ModuleFigures]
) -> None:
    found += [job(State.COMPLETED, asdict(modules[0]))]
    first = tasks.write_report(RUN)
    found[:] = [None]
    assert tasks.write_report(RUN) == first


def test_the_report_on_a_run_that_was_cleaned_up_is_given_up(root: Path, found: list[Any]) -> None:
    with pytest.raises(PermanentError, match="cleaned up"):
        tasks.write_report(RUN)


def test_the_chart_is_drawn_with_its_thumbnails_and_the_report_handed_on(run: Run, report: Report) -> None:
    assert tasks.draw_chart(report) is report
    assert sorted(path.name for path in run.folder.glob("*.png")) == [
        "chart-160.png",
        "chart-320.png",
        "chart-640.png",
        "chart.png",
    ]


def test_each_edition_of_a_report_is_mailed_once(run: Run, report: Report, mailoutbox: list[EmailMessage]) -> None:
    run.csv.write_text("package\n")
    tasks.draw_chart(report)
    assert tasks.mail_report(report) == "sent to team@example.com"
    assert tasks.mail_report(report) == "was sent before"
    tasks.mail_report(report, edition="2026-02-01")
    assert len(mailoutbox) == 2


# By the clock


def test_the_clean_up_removes_old_folders_and_may_run_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_KEEP_RUNS", "1")
    for day in ("01", "02", "03"):
        Run(root, f"202601{day}-000000-0000").save_jobs([])
    assert tasks.clean_up() == ["20260101-000000-0000", "20260102-000000-0000"]
    assert tasks.clean_up() == []
    assert [path.name for path in (root / "runs").iterdir()] == ["20260103-000000-0000"]


def test_without_an_audit_there_is_no_daily_report(root: Path) -> None:
    assert tasks.daily_report() == "no audit is finished yet"


def test_a_week_is_summed_up_once(root: Path, report: Report, mailoutbox: list[EmailMessage]) -> None:
    archive.save(report, root)
    assert tasks.weekly_summary(monday=date(2026, 1, 26)) == "audits: 1"
    assert tasks.weekly_summary(monday=date(2026, 1, 26)) == "was sent before"
    assert tasks.weekly_summary(monday=date(2026, 2, 2)) == "audits: 0"
    assert [mail.subject for mail in mailoutbox] == [
        "Python audits, week of 26 January 2026",
        "Python audits, week of 02 February 2026",
    ]


def test_a_month_is_charged_once(root: Path, report: Report, mailoutbox: list[EmailMessage]) -> None:
    archive.save(report, root)
    charged = tasks.monthly_invoice(Decimal("0.02"), month=date(2026, 1, 15))
    assert charged == f"{(Decimal('0.02') * report.lines / 1000).quantize(Decimal('0.01'))} EUR"
    assert tasks.monthly_invoice(Decimal("0.02"), month=date(2026, 1, 31)) == "2026-01 was charged before"
    assert len(mailoutbox) == 1
