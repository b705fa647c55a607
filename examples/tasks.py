"""The tasks of the demo: one job a file, a report when all are done, and what runs by the clock."""

from __future__ import annotations

import hashlib
import shutil
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from django.utils import timezone

from jobs_dashboard import (
    Cancelled,
    Daily,
    Every,
    JobContext,
    Monthly,
    PermanentError,
    Retry,
    Snooze,
    TemporaryError,
    Weekly,
    jobs,
    schedule,
    task,
)

from . import archive, config
from .chart import THUMBNAIL_WIDTHS, draw_thumbnail
from .chart import draw_chart as draw
from .export import write_csv, write_json, write_spreadsheet
from .installation import modules_to_audit
from .invoice import Invoice, invoice_for
from .letter import invoice_letter, report_letter, send_once, summary_letter
from .module_audit import ModuleFigures, NotPythonError, audit
from .report import Report, report_on
from .run import Run, all_runs, runs_to_remove

# ------------------------------------------------------------------------------------------- the jobs of one run


@task(queue="audit", timeout=60, retry=Retry(max_attempts=3, base=5))
def audit_module(path: Path, module: str) -> ModuleFigures:
    """Measures one Python file.

    A file that cannot be parsed will not parse next time either, so it is given up at once. One that cannot be
    read (an upgrade may be replacing it right now) is tried again like any other error.
    """
    try:
        return audit(path, module)
    except NotPythonError as broken:
        raise PermanentError(str(broken)) from broken


@task(timeout=180)
def fingerprint_installation(ctx: JobContext, steps: int = 50, pause: float = 0.5) -> dict[str, str | int]:
    """A long job: one checksum over every audited file, in steps with a pause (in seconds) after each.

    Between two steps it looks whether somebody cancelled it.
    """
    modules = modules_to_audit(config.most_modules())
    checksum = hashlib.sha256()
    for step in range(steps):
        if ctx.cancelled:
            raise Cancelled(f"stopped after {step} of {steps} steps")
        for module in modules[step::steps]:
            checksum.update(module.path.read_bytes())
        time.sleep(pause)
    return {"files": len(modules), "sha256": checksum.hexdigest()}


@task(retry=Retry(max_attempts=5))
async def wake_service(ctx: JobContext) -> str:
    """A flaky job: it asks for a service that is still starting, and so fails twice before it gets its answer."""
    if ctx.attempt <= 2:
        raise TemporaryError(f"still starting, call {ctx.attempt} came too early", retry_after=timedelta(seconds=8))
    return f"answered call {ctx.attempt}"


# ------------------------------------------------------------------------ the report: a chain of three steps


@task(queue="reports", timeout=120)
def write_report(run: str) -> Report:
    """Waits for the jobs of a run, then writes their figures as CSV, JSON and a spreadsheet.

    Running it twice writes the same files again; a report that was made before is not made anew, because the
    results it came from may be gone by now.
    """
    this = Run(config.folder(), run)
    if done := archive.load(run, this.root):
        return done
    found = jobs.get_many(_jobs_of(this))
    if waiting := sum(job is not None and not job.state.is_final for job in found):
        raise Snooze(timedelta(seconds=2), f"{waiting} jobs of the run are not finished yet")
    audits = [job for job in found if job is not None and job.task == audit_module.name]
    modules = [ModuleFigures(**job.result) for job in audits if job.state == "completed"]
    modules.sort(key=lambda figures: (figures.package, figures.module, figures.path))
    broken = sum(job.state == "dead" for job in audits)
    missing = sum(job.state == "cancelled" for job in audits) + found.count(None)
    report = report_on(run, modules, broken=broken, missing=missing)
    write_csv(modules, this.csv)
    write_json(report, modules, this.json)
    write_spreadsheet(report, modules, this.spreadsheet)
    archive.save(report, this.root)
    return report


def _jobs_of(run: Run) -> list[str]:
    try:
        return run.job_ids()
    except FileNotFoundError as gone:
        raise PermanentError(f"run {run.id} was cleaned up before its report was written") from gone


@task(queue="reports", timeout=60)
def draw_chart(report: Report) -> Report:
    """Draws the largest packages, and the picture in smaller sizes; hands the report on to the next step."""
    run = Run(config.folder(), report.run)
    draw(report, run.chart)
    for width in THUMBNAIL_WIDTHS:
        draw_thumbnail(run.chart, width, run.thumbnail(width))
    return report


@task(queue="reports", timeout=60, retry=Retry(max_attempts=5, base=10))
def mail_report(report: Report, edition: str = "first") -> str:
    """Sends CSV and chart, each edition once.

    It is a step of its own so that a mail server that is down costs another try of the sending, not of the rest.
    """
    run = Run(config.folder(), report.run)
    letter = report_letter(report, [run.csv, run.chart], edition=edition, to=config.recipients())
    sent = send_once(letter, run.receipt(edition))
    return f"sent to {', '.join(letter.to)}" if sent else "was sent before"


# ----------------------------------------------------------------------------------------------- by the clock


@schedule(Every(minutes=5), key="clean-up")
@task
def clean_up() -> list[str]:
    """Removes the folders of old runs; their reports in the archive stay."""
    old = runs_to_remove(all_runs(config.folder()), config.kept_runs(), timezone.now())
    for run in old:
        shutil.rmtree(run.folder, ignore_errors=True)  # another clean-up may be at it as well
    return [run.id for run in old]


@schedule(Daily(2, 0), key="daily-report")
@task(queue="reports")
def daily_report() -> str:
    """Sends the newest report again, as today's edition."""
    reports = archive.load_all(config.folder())
    if not reports:
        return "no audit is finished yet"
    return mail_report.enqueue(reports[-1], edition=f"{timezone.localdate()}").id


@schedule(Weekly("mon", 9, 0), key="weekly-summary", enabled=False)
@task(queue="reports", retry=Retry(max_attempts=5))
def weekly_summary(monday: date | None = None) -> str:
    """Sends the audits of a week, the last full one unless a `monday` is given."""
    today = timezone.localdate()
    first = monday or today - timedelta(days=today.weekday() + 7)
    last = first + timedelta(days=6)
    reports = [report for report in archive.load_all(config.folder()) if first <= report.day <= last]
    sent = send_once(
        summary_letter(reports, first, last, to=config.recipients()),
        config.folder() / "summaries" / f"{first}.txt",
    )
    return f"audits: {len(reports)}" if sent else "was sent before"


@schedule(Monthly(1, 0, 0), key="monthly-invoice", arguments={"price": "0.02"}, enabled=False)
@task(queue="reports", retry=Retry(max_attempts=5))
def monthly_invoice(price: Decimal, month: date | None = None) -> str:
    """Charges the audits of a month, the last full one unless a day of another is given; each month once."""
    last_month = timezone.localdate().replace(day=1) - timedelta(days=1)
    invoice: Invoice = invoice_for(month or last_month, archive.load_all(config.folder()), price)
    receipt = config.folder() / "invoices" / f"{invoice.number}.txt"
    sent = send_once(invoice_letter(invoice, to=config.recipients()), receipt)
    return f"{invoice.amount} EUR" if sent else f"{invoice.number} was charged before"
