"""Pages for what went wrong: what happened, and what to do next."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from jobs_dashboard.queries import snapshot
from jobs_dashboard.queries.jobs import TAB_ORDER

from .headers import guarded
from .render import FOLDER, is_fragment, page
from .shell import theme_of

TITLES: Final[dict[int, tuple[str, str]]] = {
    400: ("This address cannot be read", "Part of it is not what this page understands."),
    403: ("Not allowed", "Your account may not do this."),
    404: ("Not here", "There is nothing at this address."),
    409: ("The job has moved on", "It is shown as it is now."),
    429: ("Too many attempts", "Sign-in is closed for this name and address for a quarter of an hour."),
    500: ("Something broke in the dashboard", "The jobs are not affected. The server's log has the details."),
    503: ("The job store cannot be reached", "Nothing can be read or changed until it answers again."),
}


def show(request: HttpRequest, status: int, told: str = "") -> HttpResponse:
    """An error within the dashboard's frame; a part of a page gets the sentence alone."""
    title, advice = TITLES[status]
    if is_fragment(request):
        return HttpResponse(told or advice, status=status, content_type="text/plain; charset=utf-8")
    context: dict[str, Any] = {"status": status, "title": title, "advice": advice, "told": told}
    if status == 503:
        context |= {"last": snapshot.last_known(), "states": TAB_ORDER}
    if request.user.is_authenticated:
        return page(request, "errors/inside.html", context, status=status)
    return _alone(request, context)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _outside(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _outside(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _outside(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    return _outside(request, 500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _outside(request, 403, "The form was too old or came from another site. Go back, reload, send it again.")


def locked_out(request: HttpRequest, credentials: Any = None, *_: Any, **__: Any) -> HttpResponse:
    """Too many wrong passwords: what django-axes answers instead of the login."""
    return _outside(request, 429)


def _outside(request: HttpRequest, status: int, told: str = "") -> HttpResponse:
    """An error beside the dashboard, or one so early that nobody is known: no frame, no database."""
    title, advice = TITLES[status]
    return _alone(request, {"status": status, "title": title, "advice": told or advice, "told": ""})


def _alone(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    if is_fragment(request):
        body, kind = context["advice"], "text/plain; charset=utf-8"
    else:
        whole = {**context, "shell": {"theme": theme_of(request)}}
        body, kind = render_to_string(FOLDER + "errors/alone.html", whole), "text/html; charset=utf-8"
    return guarded(request, HttpResponse(body, status=context["status"], content_type=kind))
