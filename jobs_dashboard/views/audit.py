"""The audit: who did what, why, and what came of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from jobs_dashboard.queries.audit import audit_page

from .render import page


def audit(request: HttpRequest) -> HttpResponse:
    return page(request, "audit/list.html", {"audit": audit_page(request.GET.get("before", ""))}, section="audit")
