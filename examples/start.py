"""The start of an audit: everything it enqueues."""

from __future__ import annotations

from django.utils import timezone

from jobs_dashboard import chain

from . import config
from .installation import modules_to_audit
from .run import Run
from .tasks import audit_module, draw_chart, fingerprint_installation, mail_report, wake_service, write_report


def start_audit() -> Run:
    """Enqueues one job for each module, a long one and a flaky one, and the report that waits for them all."""
    run = Run.new(config.folder(), timezone.now())
    label = {"run": run.id}
    modules = modules_to_audit(config.most_modules())
    audits = audit_module.using(metadata=label).enqueue_many(
        [{"path": module.path, "module": module.name} for module in modules]
    )
    slow = fingerprint_installation.using(metadata=label).enqueue()
    flaky = wake_service.using(metadata=label).enqueue()
    run.save_jobs([*(job.id for job in audits), slow.id, flaky.id])
    chain(
        write_report.using(metadata=label).request(run.id),
        draw_chart.using(metadata=label).request(),
        mail_report.using(metadata=label).request(),
    ).enqueue()
    return run
