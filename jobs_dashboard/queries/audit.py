"""The audit, newest first, by keyset."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InvalidInput
from jobs_dashboard.models import OperatorAction

PAGE_ROWS = 50


@dataclass(frozen=True)
class AuditPage:
    rows: tuple[OperatorAction, ...]
    next: str


def audit_page(before: str) -> AuditPage:
    """Entries older than an entry's number; all from the newest when empty."""
    entries = OperatorAction.objects.order_by("-id")
    if before:
        if not before.isascii() or not before.isdigit() or int(before) >= 1 << 63:
            raise InvalidInput("the number of an audit entry", path="before")
        entries = entries.filter(id__lt=int(before))
    found = list(entries[: PAGE_ROWS + 1])
    return AuditPage(tuple(found[:PAGE_ROWS]), str(found[PAGE_ROWS - 1].pk) if len(found) > PAGE_ROWS else "")
