"""Stands before every page: who may come in, by which method, and what is said when something is in the way."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect

from core.errors import InvalidInput, JobNotFound, StoreError
from jobs_dashboard.actions import audit
from jobs_dashboard.actions.actor import Actor, Permission, permissions_of
from jobs_dashboard.client_address import client_address

from . import errors
from .headers import guarded
from .render import is_fragment
from .shell import zone_of

View = Callable[..., HttpResponse]


def open_to_all(view: View, *methods: str) -> View:
    """A page that needs no login: the login itself."""
    return _outermost(_only(view, methods or ("GET", "HEAD")))


def reader(view: View) -> View:
    """A page for those who may look; it changes nothing."""
    return _outermost(_only(_known(_may_look(view)), ("GET", "HEAD")))


def operator(view: View) -> View:
    """An action: POST only, for those who may act; a refusal is entered in the audit."""
    return _outermost(csrf_protect(_only(_known(_may_act(view)), ("POST",))))


def administrator(view: View) -> View:
    """An action on what runs the jobs: POST only, for administrators; a refusal is entered in the audit."""
    return _outermost(csrf_protect(_only(_known(_may_act(view, needs=Permission.ADMINISTER)), ("POST",))))


def own(view: View) -> View:
    """An action of a signed-in person on nothing but their own display."""
    return _outermost(csrf_protect(_only(_known(view), ("POST",))))


def may_look(user: Any) -> bool:
    """Staff may look; everybody else wants the permission."""
    return user.is_staff or Permission.VIEW in permissions_of(user)


def actor_of(request: HttpRequest) -> Actor:
    """The person behind a request, for the audit."""
    user: Any = request.user
    return Actor(name=user.get_username(), user=user, door="dashboard", address=client_address(request))


def _outermost(view: View) -> View:
    """Turn what goes wrong into an answer of this dashboard, in the viewer's zone, under its headers."""

    @wraps(view)
    def answer(request: HttpRequest, **named: str) -> HttpResponse:
        with timezone.override(zone_of(request)):
            return guarded(request, _told(view, request, named))

    return answer


def _told(view: View, request: HttpRequest, named: dict[str, str]) -> HttpResponse:
    try:
        return view(request, **named)
    except (Http404, JobNotFound) as error:
        return errors.show(request, 404, str(error))
    except PermissionDenied as error:
        return errors.show(request, 403, str(error))
    except InvalidInput as error:
        return errors.show(request, 400, f"{error.path.removeprefix('$.')}: {error.reason}")
    except SuspiciousOperation as error:
        return errors.show(request, 400, str(error))
    except StoreError as error:
        return errors.show(request, 503, str(error))


def _only(view: View, methods: tuple[str, ...]) -> View:
    @wraps(view)
    def answer(request: HttpRequest, **named: str) -> HttpResponse:
        return view(request, **named) if request.method in methods else HttpResponseNotAllowed(methods)

    return answer


def _known(view: View) -> View:
    """A stranger goes to the login; a part of a page whose session ended gets 401 and not a login in its place."""

    @wraps(view)
    def answer(request: HttpRequest, **named: str) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, **named)
        if is_fragment(request):
            return HttpResponse("Your session has ended. Sign in again.", status=401, content_type="text/plain")
        return redirect_to_login(request.get_full_path() if request.method == "GET" else "")

    return answer


def _may_look(view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest, **named: str) -> HttpResponse:
        if not may_look(request.user):
            raise PermissionDenied("Your account may not see jobs. An administrator can give it that permission.")
        return view(request, **named)

    return answer


_REFUSALS = {
    Permission.OPERATE: "Your account may look but not act. An administrator can make it an operator.",
    Permission.ADMINISTER: "Workers are for administrators to quiet and stop. Another one can make your account one.",
}


def _may_act(view: View, *, needs: Permission = Permission.OPERATE) -> View:
    @wraps(view)
    def answer(request: HttpRequest, **named: str) -> HttpResponse:
        if not actor_of(request).may(needs):
            who, target = actor_of(request), " ".join(named.values()) or request.path
            audit.refused(who, verb="post", kind="page", target=target, why="no permission")
            raise PermissionDenied(_REFUSALS[needs])
        return view(request, **named)

    return answer
