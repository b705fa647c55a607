"""JobRecord: what is remembered of a job after its store has let go of it."""

from __future__ import annotations

from django.db import models

MAX_PUBLIC_ID = 88  # a queue name of 64, a tilde, 23 digits


class JobRecord(models.Model):
    """Metadata of one job as of its newest recorded attempt or action; never its payload, never the live truth.

    Written by the recorder from the store's journal. It holds every job that ever failed, and a sample of those that
    completed (as the store's journal does).
    """

    job_id = models.CharField(max_length=MAX_PUBLIC_ID, unique=True)
    queue = models.CharField(max_length=64)
    task = models.CharField(max_length=200)
    state = models.CharField(max_length=16)
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=0)
    enqueued_at = models.DateTimeField()
    updated_at = models.DateTimeField(help_text="When the state shown here was entered, by the store's clock.")
    worker = models.CharField(max_length=200, blank=True)
    error_type = models.CharField(max_length=200, blank=True)
    error_line = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("view_jobs", "Can see jobs, queues, schedules and workers"),
            ("operate_jobs", "Can enqueue, retry, cancel, discard, pause, resume and switch schedules"),
            ("administer_jobs", "Can purge queues and stop workers"),
        ]
        # One for each way a list of history is narrowed; each ends in what its keyset pages are ordered by.
        indexes = [
            models.Index(fields=["-updated_at", "-id"], name="jobs_record_time"),
            models.Index(fields=["state", "-updated_at", "-id"], name="jobs_record_state"),
            models.Index(fields=["queue", "-updated_at", "-id"], name="jobs_record_queue"),
            models.Index(fields=["task", "-updated_at", "-id"], name="jobs_record_task"),
        ]
        ordering = ["-updated_at", "-id"]

    def __str__(self) -> str:
        return f"{self.task} {self.job_id} ({self.state})"
