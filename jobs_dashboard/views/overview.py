"""The first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from jobs_dashboard.queries.overview import overview as find

from .render import live_page


def overview(request: HttpRequest) -> HttpResponse:
    return live_page(request, "overview/page", {"overview": find()}, section="overview", every_s=2)
