"""What a client sends, read within bounds and handed to core's validator as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest
from ninja.errors import HttpError

from core.errors import InvalidInput, PayloadTooLarge
from core.model.limits import MAX_PAYLOAD_BYTES
from core.model.payload import check_text, read_json

ENVELOPE_BYTES: Final = 16 * 1024  # what may stand around the arguments
BODY_BYTES: Final = MAX_PAYLOAD_BYTES + ENVELOPE_BYTES
_SECONDS: Final = ("delay", "timeout", "unique_for", "expires_in")
_OPTIONS: Final = ("queue", "priority", "run_at", "max_attempts", "unique_key", "unique_while", "metadata", *_SECONDS)
_FIELDS: Final = ("task", "arguments", *_OPTIONS)


@dataclass(frozen=True)
class Wish:
    """A job that somebody asks for; checked against the task by core."""

    task: str
    arguments: dict[str, Any]
    options: dict[str, Any]


def require_readable(request: HttpRequest) -> None:
    """Refuse a body by its headers alone: not JSON, of unknown length, or too long to be read."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise HttpError(411, "Send a Content-Length: a body in chunks is not read.")
    if length.isdecimal() and int(length) > BODY_BYTES:
        raise PayloadTooLarge(f"{int(length)} bytes are more than the limit of {BODY_BYTES}", limit=BODY_BYTES)
    if length not in ("", "0") and request.content_type != "application/json":
        raise HttpError(415, "Send JSON, with Content-Type: application/json.")


def read_wish(request: HttpRequest) -> Wish:
    """`payload` is taken for `arguments` where that is the name a client is used to."""
    sent = _read_map(request)
    if "payload" in sent and "arguments" not in sent:
        sent["arguments"] = sent.pop("payload")
    _refuse_unknown(sent, _FIELDS)
    task, arguments = sent.get("task"), sent.get("arguments", {})
    if not isinstance(task, str) or not task:
        raise InvalidInput("give the name of a task", path="$.task")
    if not isinstance(arguments, dict):
        raise InvalidInput("give a map of argument names to values", path="$.arguments")
    return Wish(task, arguments, _options(sent))


def read_reason(request: HttpRequest) -> str:
    """Why an action is done: `{"reason": "…"}`, or no body at all."""
    sent = _read_map(request, may_be_empty=True)
    _refuse_unknown(sent, ("reason",))
    return check_text(sent.get("reason", ""), path="$.reason")


def _read_map(request: HttpRequest, *, may_be_empty: bool = False) -> dict[str, Any]:
    text = request.read(BODY_BYTES + 1)
    if may_be_empty and not text.strip():
        return {}
    sent = read_json(text, limit=BODY_BYTES)
    if not isinstance(sent, dict):
        raise InvalidInput("give a JSON object", path="$")
    return sent


def _refuse_unknown(sent: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = [name for name in sent if name not in known]
    if unknown:
        raise InvalidInput(f"there is no such field; known: {', '.join(known)}", path=f"$.{unknown[0][:60]}")


def _options(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; null counts as not given. Core checks what they may be."""
    options = {name: sent[name] for name in _OPTIONS if sent.get(name) is not None}
    for name in _SECONDS:
        if name in options and (isinstance(options[name], bool) or not isinstance(options[name], int | float)):
            raise InvalidInput("give a number of seconds", path=f"$.{name}")
    if "run_at" in options:
        options["run_at"] = _moment(options["run_at"])
    return options


def _moment(text: Any) -> datetime:
    """ISO 8601; one without a zone is refused by core, as at every door."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise InvalidInput("give a time in ISO 8601, as 2030-01-31T09:00:00+01:00", path="$.run_at") from None
