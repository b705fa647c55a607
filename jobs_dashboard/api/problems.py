"""Every error of the API as application/problem+json (RFC 9457), mapped in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from ninja.errors import AuthenticationError, HttpError, ValidationError

from core.errors import (
    ConfigError,
    Conflict,
    InvalidArguments,
    InvalidInput,
    JobNotFound,
    PayloadTooLarge,
    StoreFull,
    StoreUnavailable,
    UnknownTask,
)

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_S: Final = "1"
_WHO: Final = "Send `Authorization: Bearer <token>`, or sign in to the dashboard."
log = structlog.get_logger("jobs.api")

# The first that fits counts, so the narrower stand before the wider.
_TABLE: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (PayloadTooLarge, 413, "payload-too-large", "More bytes than the limit"),
    (UnknownTask, 400, "unknown-task", "No such task"),
    (InvalidArguments, 400, "invalid-arguments", "The arguments do not fit the task"),
    (InvalidInput, 400, "invalid-input", "Something in the request cannot be stored"),
    (JobNotFound, 404, "not-found", "No such job"),
    (Conflict, 409, "conflict", "The job has moved on"),
    (StoreFull, 503, "store-full", "The store has no room for new jobs"),
    (StoreUnavailable, 503, "store-unavailable", "The store cannot be reached"),
    (DatabaseError, 503, "database-unavailable", "The database cannot be reached"),
    (ConfigError, 503, "misconfigured", "The server is misconfigured"),
    (ImproperlyConfigured, 503, "misconfigured", "The server is misconfigured"),
    (PermissionDenied, 403, "forbidden", "Not allowed"),
    (Http404, 404, "not-found", "Nothing at this address"),
    (UnreadablePostError, 400, "unreadable", "The request broke off"),
    (SuspiciousOperation, 400, "invalid-input", "The request cannot be read"),
)
_OF_STATUS: Final = {
    400: ("invalid-input", "The request cannot be read"),
    401: ("unauthenticated", "Who are you?"),
    403: ("forbidden", "Not allowed"),
    404: ("not-found", "Nothing at this address"),
    405: ("method-not-allowed", "Not by this method"),
    411: ("length-required", "The length is missing"),
    415: ("unsupported-media-type", "Not JSON"),
}


def problem(
    status: int, kind: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> JsonResponse:
    """type names the kind for programs, detail tells a person what to do; extra members stand beside them."""
    told = {"type": f"urn:jobs-dashboard:problem:{kind}", "title": title, "status": status, "detail": detail}
    given = {name: value for name, value in extra.items() if value is not None}
    return JsonResponse({**told, **given}, status=status, content_type=MEDIA_TYPE, headers=headers)


def problem_of_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JsonResponse:
    kind, title = _OF_STATUS.get(status, ("error", "The request failed"))
    return problem(status, kind, title, detail, headers)


def on_error(request: HttpRequest, error: Any) -> JsonResponse:
    """The one handler: whatever was raised while a request was answered."""
    if isinstance(error, AuthenticationError):
        told = _WHO if str(error) == "Unauthorized" else str(error)  # ninja's own word, when no door was even tried
        return problem_of_status(401, told, {"WWW-Authenticate": "Bearer"})
    if isinstance(error, HttpError):
        return problem_of_status(error.status_code, str(error))
    if isinstance(error, ValidationError):
        return problem_of_status(400, "; ".join(str(each.get("msg")) for each in error.errors))
    for kind_of, status, kind, title in _TABLE:
        if isinstance(error, kind_of):
            return _mapped(error, status, kind, title)
    log.error("the API failed", path=request.path, method=request.method, exc_info=error)
    return problem(500, "internal", "Something broke here", "The server's log has the details.")


def _mapped(error: Exception, status: int, kind: str, title: str) -> JsonResponse:
    headers = {"Retry-After": _RETRY_AFTER_S} if status == 503 else None
    if kind in ("database-unavailable", "misconfigured"):  # what is behind it is for the log alone
        log.warning(title, error=str(error).strip())
        return problem(status, kind, title, "Send it again later.", headers)
    if isinstance(error, InvalidInput):
        return problem(status, kind, title, _clean(str(error)), headers, field=_clean(error.path), limit=error.limit)
    return problem(status, kind, title, _clean(str(error)) or title, headers)


def _clean(text: str) -> str:
    """What was sent may stand in the message, and may be no text that can be sent back."""
    return text.encode("utf-8", "backslashreplace").decode()
