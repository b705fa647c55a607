"""Workers by their heartbeat."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from jobs_dashboard.queries.workers import worker_list as find

from .render import live_page


def worker_list(request: HttpRequest) -> HttpResponse:
    return live_page(request, "workers/list", {"workers": find()}, section="workers", every_s=3)
