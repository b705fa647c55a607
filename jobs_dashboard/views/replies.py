"""What follows an action: for htmx the fresh part and a toast together, for a plain form a redirect back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event

from jobs_dashboard.queries import snapshot

from .render import FOLDER, is_fragment
from .shell import shell_for

Fresh = Callable[[int], HttpResponse]


@dataclass(frozen=True)
class Toast:
    """One sentence about an action. undo: where to post to take it back; link: what to look at."""

    text: str
    level: str = "success"
    undo: str = ""
    link: str = ""


def after_action(
    request: HttpRequest, toast: Toast, *, fresh: Fresh | None = None, plain: Fresh | None = None
) -> HttpResponse:
    """fresh draws the part that changed, for htmx. plain draws a page to tell of a conflict (409) without htmx;
    everything else goes back to where the form was."""
    snapshot.forget()
    status = 200 if toast.level == "success" else 409
    if is_fragment(request):
        return with_toast(request, fresh(status) if fresh else HttpResponse(status=200), toast, acts=fresh is None)
    messages.add_message(request, messages.SUCCESS if status == 200 else messages.ERROR, toast.text, toast.undo)
    return plain(status) if plain and status == 409 else back(request)


def with_toast(request: HttpRequest, response: HttpResponse, toast: Toast, *, acts: bool = False) -> HttpResponse:
    """Add a toast beside the part; acts: no part was drawn, so the page is told to look again by itself."""
    context = {"toast": toast, "back": page_behind(request)}
    response.write(render_to_string(FOLDER + "parts/toast_beside.html", context, request=request))
    if acts:
        trigger_client_event(response, "dialog:close")
        trigger_client_event(response, "live:now", after="settle")
    return response


def back(request: HttpRequest) -> HttpResponse:
    """To the page the form was on, if it is one of this site."""
    target = request.POST.get("next", "")
    allowed = {request.get_host()}
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=allowed, require_https=request.is_secure()):
        target = reverse("jobs:overview")
    return HttpResponseRedirect(target)


def page_behind(request: HttpRequest) -> str:
    """The path and query of the page that htmx is on."""
    told = _told_page(request)
    return f"{told.path}?{told.query}" if told.query else told.path


def query_behind(request: HttpRequest) -> QueryDict:
    return QueryDict(_told_page(request).query[:4000])


def _told_page(request: HttpRequest) -> SplitResult:
    """What htmx says the page is; nothing when it says what is no address."""
    try:
        return urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return urlsplit("")


def part(request: HttpRequest, template: str, context: Mapping[str, object], status: int) -> HttpResponse:
    """A template alone, with the frame's values at hand."""
    whole = {"shell": shell_for(request), **context}
    return HttpResponse(render_to_string(FOLDER + template, whole, request=request), status=status)
