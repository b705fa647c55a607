"""What lies in the outbox of the default database: how many jobs wait there, since when, and what was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.db.models import Count, Min, Q, Sum

from jobs_dashboard.bridge.outbox import LEFT_TO_ITS_WRITER, has_table
from jobs_dashboard.models import OutboxEntry

from .store import config

LATE_S: Final = 60  # later than the service is by itself


@dataclass(frozen=True)
class OutboxState:
    """waiting: jobs that their store has not got although it should. oldest_at: since when; None when none waits.
    refused: entries that were set aside."""

    waiting: int = 0
    oldest_at: datetime | None = None
    refused: int = 0

    def lag_s(self, now: datetime) -> int:
        return 0 if self.oldest_at is None else max(0, int((now - self.oldest_at).total_seconds()))


NOTHING: Final = OutboxState()


def outbox_state(now: datetime) -> OutboxState:
    """Asks nothing while there is no outbox, and says nothing while its database is away: pages say that themselves."""
    if not config().outbox:
        return NOTHING
    left = Q(refused_at=None, created_at__lt=now - LEFT_TO_ITS_WRITER)
    try:
        if not has_table(DEFAULT_DB_ALIAS):
            return NOTHING
        found = OutboxEntry.objects.aggregate(
            waiting=Sum("count", filter=left, default=0),
            oldest_at=Min("created_at", filter=left),
            refused=Count("pk", filter=Q(refused_at__isnull=False)),
        )
    except DatabaseError:
        return NOTHING
    return OutboxState(**found)
