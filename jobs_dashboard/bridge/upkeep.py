"""What keeps the rows in bounds and in order: retention of history, and audit entries nobody closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from jobs_dashboard.models import AttemptRecord, JobRecord, OperatorAction

HISTORY_DAYS: Final = 90
HISTORY_ROWS: Final = 1_000_000
_AT_ONCE: Final = 1_000
_OPEN_FOR: Final = timedelta(minutes=5)  # longer than any action takes, short enough to be read the same night


def trim_history(now: datetime) -> int:
    """Delete a bounded number of rows beyond the age and count that are kept; answers how many jobs went.

    Django settings: JOBS_HISTORY_DAYS and JOBS_HISTORY_ROWS (jobs).
    """
    cut = max(now - timedelta(days=getattr(settings, "JOBS_HISTORY_DAYS", HISTORY_DAYS)), _oldest_in_count())
    stale = AttemptRecord.objects.filter(finished_at__lt=cut).order_by("finished_at").values_list("pk", flat=True)
    AttemptRecord.objects.filter(pk__in=list(stale[: 5 * _AT_ONCE])).delete()
    jobs = JobRecord.objects.filter(updated_at__lt=cut).order_by("updated_at").values_list("pk", flat=True)
    ids = list(jobs[:_AT_ONCE])
    JobRecord.objects.filter(pk__in=ids).delete()
    return len(ids)


def close_left_open(now: datetime) -> int:
    """Say of actions whose process died before it could tell that nobody knows what came of them.

    They are not sent again: what a person wanted minutes ago may not be what they want now. Their jobs are told of
    by the store.
    """
    left = OperatorAction.objects.filter(status=OperatorAction.Status.INTENDED, created_at__lt=now - _OPEN_FOR)
    return left.update(
        status=OperatorAction.Status.UNKNOWN,
        outcome="the process that did this ended before it wrote down what came of it",
        closed_at=timezone.now(),
    )


def _oldest_in_count() -> datetime:
    most = getattr(settings, "JOBS_HISTORY_ROWS", HISTORY_ROWS)
    at = JobRecord.objects.order_by("-updated_at", "-id").values_list("updated_at", flat=True)[most : most + 1].first()
    return at or datetime.min.replace(tzinfo=timezone.get_default_timezone())
