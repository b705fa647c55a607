"""Answers a page to a browser and its live part to htmx; a live part that has not changed is 204."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from .shell import shell_for

FOLDER = "jobs_dashboard/"
_CHANGES_BY_ITSELF = re.compile(r'<time [^>]*>[^<]*</time>|name="csrfmiddlewaretoken" value="[^"]*"')


@dataclass(frozen=True)
class Live:
    """The part of a page that is asked for again with every tick."""

    url: str
    html: SafeString
    hash: str
    every_s: int
    at_ms: int


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, section: str = "", status: int = 200
) -> HttpResponse:
    """A whole page without a live part."""
    whole = {"shell": shell_for(request, section=section), **context}
    return render(request, FOLDER + template, whole, status=status)


def live_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    section: str,
    every_s: int,
    status: int = 200,
    url: str = "",
) -> HttpResponse:
    """A page around `<template>_live.html`; htmx gets that part alone, or 204 when it holds it already.

    url: of the page, where it is not the request's own (the answer to an action).
    """
    whole = {"shell": shell_for(request, section=section), **context}
    live = _live(request, template, whole, every_s, url or request.get_full_path())
    if not is_fragment(request):
        return render(request, f"{FOLDER}{template}.html", {**whole, "live": live}, status=status)
    if request.headers.get("X-Fragment") == live.hash and status == 200:
        return HttpResponse(status=204)
    return render(request, FOLDER + "live.html", {"live": live}, status=status)


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page it is on."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _live(request: HttpRequest, template: str, whole: Mapping[str, Any], every_s: int, url: str) -> Live:
    html = SafeString(render_to_string(f"{FOLDER}{template}_live.html", dict(whole), request=request))
    told = hashlib.blake2b(_CHANGES_BY_ITSELF.sub("", html).encode(), digest_size=12).hexdigest()
    return Live(url, html, told, every_s, time.time_ns() // 1_000_000)
