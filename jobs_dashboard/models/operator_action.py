"""OperatorAction: who did what to which jobs, why, and what came of it."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from .job_record import MAX_PUBLIC_ID

_APPEND_ONLY = "the audit is append-only: an OperatorAction is never deleted or rewritten"


class Entries(models.QuerySet["OperatorAction"]):
    """Rows that are added and closed, and stay."""

    def delete(self) -> NoReturn:
        raise TypeError(_APPEND_ONLY)


class OperatorAction(models.Model):
    """One entry of the audit. It is written before the store acts, closed after, and never deleted or rewritten."""

    class Status(models.TextChoices):
        INTENDED = "intended", "intended"  # written, and nothing known yet
        DONE = "done", "done"  # the store acted, on all of it or on part (applied of count)
        CONFLICT = "conflict", "conflict"  # the store acted on none of it: the jobs had moved on
        FAILED = "failed", "failed"  # the store said no, or could not be reached
        REFUSED = "refused", "refused"  # the actor was not allowed to
        UNKNOWN = "unknown", "unknown"  # whoever did it died before telling

    operation = models.CharField(max_length=64, unique=True, help_text="The id under which the store acted.")
    verb = models.CharField(max_length=32)
    kind = models.CharField(max_length=16, help_text="What it was done to: job, queue, schedule, worker or token.")
    target = models.CharField(max_length=200, blank=True, help_text="The first of them, or all there is to name.")
    filter = models.CharField(max_length=1000, blank=True, help_text="How the targets were chosen, if not one by one.")
    reason = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=200)
    door = models.CharField(max_length=16, help_text="How they came in: dashboard, api, command.")
    address = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.INTENDED)
    count = models.PositiveIntegerField(default=0, help_text="Targets asked for.")
    applied = models.PositiveIntegerField(default=0, help_text="Targets that changed.")
    outcome = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = Entries.as_manager()

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="jobs_action_time"),
            models.Index(fields=["kind", "target", "-created_at"], name="jobs_action_target"),
            models.Index(fields=["created_at"], name="jobs_action_open", condition=models.Q(status="intended")),
        ]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.verb} {self.target} by {self.actor_name} ({self.status})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(_APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(_APPEND_ONLY)


class ActionTarget(models.Model):
    """One job that an action was meant for, so that a job's own audit is found by its id."""

    action = models.ForeignKey(OperatorAction, on_delete=models.PROTECT, related_name="targets")
    job_id = models.CharField(max_length=MAX_PUBLIC_ID)
    applied = models.BooleanField(null=True)
    before = models.CharField(max_length=16, blank=True)
    after = models.CharField(max_length=16, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["job_id", "action"], name="jobs_action_target_once")]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.before} to {self.after}"
