"""The name of a queue in an address, and the reason for pausing it."""

from __future__ import annotations

from django.http import QueryDict

from core.errors import InvalidInput
from core.model.limits import MAX_REASON_CHARS, QUEUE_FORM, QUEUE_NAME


def read_name(name: str) -> str:
    if not QUEUE_NAME.fullmatch(name):
        raise InvalidInput(f"a queue's name is {QUEUE_FORM}", path="queue")
    return name


def read_reason(sent: QueryDict) -> str:
    """A reason on one line; raises InvalidInput when it is too long."""
    reason = " ".join(sent.get("reason", "").split())
    if len(reason) > MAX_REASON_CHARS:
        raise InvalidInput(f"a reason has at most {MAX_REASON_CHARS} characters", path="reason", limit=MAX_REASON_CHARS)
    return reason
