"""Issue and revoke keys to the HTTP API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from core.errors import InvalidInput, JobNotFound
from core.model.payload import check_text
from jobs_dashboard.models import ApiToken
from jobs_dashboard.models.api_token import Scope

from .actor import Actor, Permission
from .audit import entry

MAX_DAYS = 366


def issue(actor: Actor, name: str, scopes: Sequence[Scope], *, days: int) -> tuple[ApiToken, str]:
    """A token and its text, which is shown this once. days: until it expires, at most 366."""
    check_text(name, path="$.name", limit=100)
    if not name.strip() or not scopes or not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"give a name, at least one scope, and 1 to {MAX_DAYS} days", path="$", limit=MAX_DAYS)
    with entry(actor, "issue", "token", name, needs=Permission.ADMINISTER) as opened:
        expires_at = timezone.now() + timedelta(days=days)
        row, text = ApiToken.issue(name=name.strip(), scopes=list(scopes), expires_at=expires_at)
        opened.tell(1, f"{row.prefix}: {row.scopes}, until {expires_at:%Y-%m-%d}")
    return row, text


def revoke(actor: Actor, prefix: str) -> ApiToken:
    """From now on the token opens nothing. Raises JobNotFound when there is no such token."""
    with entry(actor, "revoke", "token", prefix, needs=Permission.ADMINISTER) as opened:
        row = ApiToken.objects.filter(prefix=prefix).first()
        if row is None:
            raise JobNotFound(f"no token has the prefix {prefix[:20]!r}")
        changed = ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now())
        opened.tell(changed, "" if changed else "it was revoked before")
    return row
