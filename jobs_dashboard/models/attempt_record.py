"""AttemptRecord: one run of a job, in one line."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from .job_record import JobRecord


class AttemptRecord(models.Model):
    """What one attempt came to. A snoozed or lost attempt may share its number with the one after it."""

    job = models.ForeignKey(JobRecord, to_field="job_id", on_delete=models.CASCADE, related_name="runs")
    attempt = models.PositiveIntegerField()
    tries = models.PositiveIntegerField(default=0, help_text="Attempts so far that count against the maximum.")
    state = models.CharField(max_length=16, help_text="Where the attempt sent the job.")
    ready_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField()
    worker = models.CharField(max_length=200, blank=True)
    error_type = models.CharField(max_length=200, blank=True)
    error_line = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt", "claimed_at"], name="jobs_attempt_once"),
        ]
        indexes = [models.Index(fields=["-finished_at", "-id"], name="jobs_attempt_time")]
        ordering = ["finished_at", "id"]

    def __str__(self) -> str:
        return f"attempt {self.attempt} of {self.job_id} ({self.state})"

    @property
    def waited(self) -> timedelta | None:
        """From due to claimed."""
        return self.claimed_at - self.ready_at if self.ready_at else None

    @property
    def ran(self) -> timedelta | None:
        """From the handler's start to its end; None when it never started."""
        return self.finished_at - self.started_at if self.started_at else None
