"""What stands around every page: navigation, environment, theme, zone, and who is looking."""

from __future__ import annotations

import time
import zoneinfo
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone

from jobs_dashboard.actions.actor import Permission, permissions_of
from jobs_dashboard.queries.store import config

THEME_COOKIE: Final = "jobs_theme"
ZONE_COOKIE: Final = "jobs_zone"
THEMES: Final = ("light", "dark")

_PAGES: Final = (
    ("o", "overview", "Overview", "overview", ""),
    ("q", "queues", "Queues", "queues", ""),
    ("j", "jobs", "Jobs", "jobs", ""),
    ("f", "jobs", "Dead letters", "dead", "?state=dead"),
    ("s", "schedules", "Schedules", "schedules", ""),
    ("w", "workers", "Workers", "workers", ""),
    ("a", "audit", "Audit", "audit", ""),
)


@dataclass(frozen=True)
class PageLink:
    key: str
    title: str
    short: str
    icon: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Shell:
    """The frame of a page, for one request."""

    pages: tuple[PageLink, ...]
    environment: str
    theme: str
    zone: str
    server_zone: str
    clock: str
    now_ms: int
    user_name: str
    role: str
    may_operate: bool
    may_administer: bool
    enabled: bool
    query: str
    login_url: str


def shell_for(request: HttpRequest, *, section: str = "") -> Shell:
    user: Any = request.user
    held = permissions_of(user)
    return Shell(
        pages=tuple(_link(section, *page) for page in _PAGES),
        environment=getattr(settings, "ENVIRONMENT", ""),
        theme=theme_of(request),
        zone=str(timezone.get_current_timezone()),
        server_zone=settings.TIME_ZONE,
        clock=timezone.localtime().strftime("%H:%M:%S"),
        now_ms=time.time_ns() // 1_000_000,
        user_name=user.get_username(),
        role=role_of(held),
        may_operate=Permission.OPERATE in held,
        may_administer=Permission.ADMINISTER in held,
        enabled=config().enabled,
        query=request.GET.get("q", "")[:300],
        login_url=resolve_url(settings.LOGIN_URL),
    )


def role_of(held: frozenset[Permission]) -> str:
    if Permission.ADMINISTER in held:
        return "administrator"
    return "operator" if Permission.OPERATE in held else "viewer"


def theme_of(request: HttpRequest) -> str:
    """The theme chosen on this browser; empty follows the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The zone chosen on this browser; None is the server's."""
    chosen = request.COOKIES.get(ZONE_COOKIE, "")
    return zoneinfo.ZoneInfo(chosen) if chosen in zoneinfo.available_timezones() else None


def _link(section: str, key: str, name: str, title: str, icon: str, query: str) -> PageLink:
    return PageLink(key, title, title.split()[0], icon, reverse(f"jobs:{name}") + query, is_current=section == icon)
