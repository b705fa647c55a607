"""OutboxEntry: jobs of a committed transaction that their store has not acknowledged yet."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from .job_record import MAX_PUBLIC_ID


class OutboxEntry(models.Model):
    """The jobs of one enqueue, or a part of many, as they enter the store. Written in the caller's transaction,
    deleted when the store has them; what it can never take is kept, with the reason."""

    job_id = models.CharField(max_length=MAX_PUBLIC_ID, unique=True, help_text="The first of its jobs.")
    task = models.CharField(max_length=200, help_text="The task of the first of its jobs.")
    count = models.PositiveIntegerField(help_text="How many jobs it holds.")
    packed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    try_at = models.DateTimeField(default=timezone.now, help_text="When the service may send it, or send it again.")
    tries = models.PositiveIntegerField(default=0, help_text="How often the store failed on it alone.")
    refused_at = models.DateTimeField(null=True, blank=True, help_text="When the store refused it for good.")
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "outbox entries"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.job_id} ({self.count} {'job' if self.count == 1 else 'jobs'})"
