"""ApiToken: a key to the HTTP API, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from django.db import models

MARK = "jd"  # in front of every token, so that scanners for leaked secrets can know one
_PREFIX_CHARS = 8
_SECRET_BYTES = 32


class Scope(models.TextChoices):
    READ = "read", "see jobs, queues and counters"
    ENQUEUE = "enqueue", "enqueue jobs"
    OPERATE = "operate", "retry, cancel and discard jobs"


class ApiToken(models.Model):
    """A bearer token `jd_<prefix>_<secret>`: the prefix finds the row, the hash of the whole proves it."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=_PREFIX_CHARS, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({MARK}_{self.prefix}_…)"

    @classmethod
    def issue(cls, *, name: str, scopes: list[Scope], expires_at: datetime) -> tuple[ApiToken, str]:
        """Make a token; answers its row and its text, which nobody can read again."""
        prefix = secrets.token_hex(_PREFIX_CHARS // 2)
        text = f"{MARK}_{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        said = ",".join(sorted(scopes))
        row = cls.objects.create(name=name, prefix=prefix, digest=_digest(text), scopes=said, expires_at=expires_at)
        return row, text

    @classmethod
    def named_by(cls, text: str) -> ApiToken | None:
        """The row that this text proves to be, whether it may still be used or not."""
        mark, _, rest = text.partition("_")
        prefix = rest.partition("_")[0]
        if mark != MARK or len(prefix) != _PREFIX_CHARS or not prefix.isalnum():
            return None
        row = cls.objects.filter(prefix=prefix).first()
        return row if row and hmac.compare_digest(row.digest, _digest(text)) else None

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes.split(",")


def _digest(text: str) -> str:
    """SHA-256 is enough: the secret has 256 random bits, so there is nothing to guess slowly."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
