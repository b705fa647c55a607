"""One word for probes: whether this process lives, whether it can serve, whether jobs are well."""

from __future__ import annotations

import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from core.errors import StoreError
from jobs_dashboard.queries import snapshot
from jobs_dashboard.queries.verdict import Level, verdict_of

log = structlog.get_logger(__name__)


def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return _word("ok", 200)


def readyz(_request: HttpRequest) -> HttpResponse:
    """It can show pages: Django's database answers. Never asks the store: the dashboard must stay reachable."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.warning("not ready: the database does not answer", exc_info=True)
        return _word("unavailable", 503)
    return _word("ok", 200)


def healthz(_request: HttpRequest) -> HttpResponse:
    """The verdict of the overview: healthy and degraded are 200, unhealthy (no store) is 503."""
    try:
        level = verdict_of(snapshot.current()).level
    except StoreError:
        level = Level.UNHEALTHY
    return _word(level, 503 if level is Level.UNHEALTHY else 200)


def _word(word: str, status: int) -> HttpResponse:
    return HttpResponse(f"{word}\n", status=status, content_type="text/plain; charset=utf-8")
