"""ScheduleRecord: the definition of a schedule, which outlives its store."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ScheduleRecord(models.Model):
    """A copy of what the store fires by. When a store was lost, its schedules are put back from here."""

    queue = models.CharField(max_length=64)
    key = models.CharField(max_length=200, unique=True)
    task = models.CharField(max_length=200)
    cron = models.CharField(max_length=200, blank=True)
    every_ms = models.PositiveBigIntegerField(default=0)
    timezone = models.CharField(max_length=64, default="UTC")
    arguments = models.JSONField(default=dict)
    priority = models.SmallIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=4)
    options = models.BinaryField(default=bytes)
    origin = models.CharField(max_length=16, default="code", help_text="Who declared it: code, or a person.")
    enabled = models.BooleanField(default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ["key"]

    def __str__(self) -> str:
        return f"{self.key} ({'on' if self.enabled else 'off'})"
