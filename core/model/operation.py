"""The operations that a job remembers: the newest few, newest first, each in a line of one text."""

from __future__ import annotations

from .limits import KEPT_OPERATIONS


def as_line(operation: str) -> str:
    """An operation's id as one line; no two have the same."""
    return operation.replace("\\", "\\\\").replace("\n", "\\n")


def is_among(operation: str, remembered: str) -> bool:
    """Whether an operation is one of those remembered."""
    return as_line(operation) in remembered.split("\n")


def with_newest(operation: str, remembered: str) -> str:
    """What is remembered once an operation was applied; the oldest falls off."""
    older = remembered.split("\n") if remembered else []
    return "\n".join([as_line(operation), *older][:KEPT_OPERATIONS])
