"""RecorderCursor: how far one stream of a store's journal has been written into rows."""

from __future__ import annotations

from django.db import models


class RecorderCursor(models.Model):
    """Moves by compare-and-set in the transaction of the rows it stands for, so each entry is written once.

    behind: the position before `position`. Reading on from there shows the entry at `position` again as long as the
    journal still keeps it; when it does not, entries may have been trimmed unread, and a gap is noted.
    """

    store_id = models.CharField(max_length=64)
    queue = models.CharField(max_length=64)
    stream = models.CharField(max_length=16)
    position = models.CharField(max_length=64, blank=True)
    behind = models.CharField(max_length=64, blank=True)
    moved_at = models.DateTimeField(auto_now=True)
    gap_at = models.DateTimeField(null=True, blank=True, help_text="When entries were last found to be missing.")

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["store_id", "queue", "stream"], name="jobs_cursor_stream"),
        ]

    def __str__(self) -> str:
        return f"{self.queue}/{self.stream} at {self.position or 'the start'}"
