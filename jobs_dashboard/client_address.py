"""The address a request came from, told by a proxy only where one is declared."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The peer's address, or what the nearest proxy wrote; what a client claims further left is not believed."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    if not getattr(settings, "BEHIND_PROXY", False):
        return peer
    return str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or peer
