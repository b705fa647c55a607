"""Signing in and out, and how this browser wants to see things."""

from __future__ import annotations

import zoneinfo
from typing import Any, cast

from django.contrib.auth import views as auth
from django.http import HttpRequest, HttpResponse

from .door import View
from .render import is_fragment
from .replies import back
from .shell import THEME_COOKIE, THEMES, ZONE_COOKIE, theme_of

_YEAR_S = 365 * 24 * 60 * 60


class Login(auth.LoginView):
    """Name and password, in this dashboard's own look."""

    template_name = "jobs_dashboard/account/login.html"
    redirect_authenticated_user = True
    next_page = "jobs:overview"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "shell": {"theme": theme_of(self.request)}}


class Logout(auth.LogoutView):
    next_page = "jobs:login"


login = cast(View, Login.as_view())
logout = Logout.as_view()


def display(request: HttpRequest) -> HttpResponse:
    """Remember theme and zone in this browser's cookies."""
    response = HttpResponse(status=204) if is_fragment(request) else back(request)
    theme, zone = request.POST.get("theme", ""), request.POST.get("zone", "")
    _remember(request, response, THEME_COOKIE, theme if theme in THEMES else "")
    _remember(request, response, ZONE_COOKIE, zone if zone in zoneinfo.available_timezones() else "")
    return response


def _remember(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    if value:
        response.set_cookie(name, value, max_age=_YEAR_S, samesite="Lax", secure=request.is_secure(), httponly=True)
    else:
        response.delete_cookie(name, samesite="Lax")
