"""The addresses of the API, for `include()` at /api/v1/: its operations, its description, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger

from jobs_dashboard.models.api_token import Scope

from .door import Session, Token
from .operations import router
from .problems import MEDIA_TYPE, on_error, problem_of_status

app_name = "jobs_api"
View = Callable[..., HttpResponse]

_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
# The page that explains the API is Swagger's, which writes style attributes.
_DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def _signed_in(view: View) -> View:
    """The description is for those who may come in: somebody else who is signed in is refused."""

    def answer(request: HttpRequest, **named: Any) -> HttpResponse:
        if Session(Scope.READ).authenticate(request, None) or Token(Scope.READ)(request):
            return view(request, **named)
        return redirect_to_login(request.get_full_path())

    return answer


class Docs(Swagger):
    """Swagger's page, from this host, with the token that lets a signed-in person try things out."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        shown = {**self.settings, "url": self.get_openapi_url(api, kwargs)}
        return render(request, self.template, {"swagger_settings": json.dumps(shown), "api": api, "add_csrf": True})


api = NinjaAPI(
    title="Jobs Dashboard",
    version="1",
    description="Enqueue, watch and act on background jobs. Errors are application/problem+json.",
    urls_namespace=app_name,
    docs=Docs(),
    docs_decorator=_signed_in,
)
for kind in (Exception, HttpError, ValidationError, Http404):  # ninja has answers of its own for all of these
    api.add_exception_handler(kind, on_error)
api.add_router("", router)


def nothing_here(request: HttpRequest) -> HttpResponse:
    return problem_of_status(404, "There is nothing at this address; see the API's /docs.")


def _outermost(view: View) -> View:
    """What is not raised inside an operation is mapped as well, and every answer gets its headers."""

    @wraps(view, updated=())
    def answer(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        try:
            response = view(request, *args, **named)
        except Exception as error:  # noqa: BLE001 - the one handler maps what it knows, and logs what it does not
            response = on_error(request, error)
        if isinstance(response, HttpResponseNotAllowed) and response["Content-Type"] != MEDIA_TYPE:
            allowed = response["Allow"]
            response = problem_of_status(405, f"This address takes {allowed}.", {"Allow": allowed})
        is_page = response.get("Content-Type", "").startswith("text/html")
        response["Content-Security-Policy"] = _DOCS_POLICY if is_page else _POLICY
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    return csrf_exempt(answer)  # the doors check it themselves, for sessions and not for tokens


def _guarded(pattern: Any) -> URLPattern:
    pattern.callback = _outermost(pattern.callback)
    return pattern


urlpatterns = [*[_guarded(pattern) for pattern in api.urls[0]], re_path(r"^.*$", _outermost(nothing_here))]
