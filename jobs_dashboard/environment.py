"""Reads environment variables as values of a type; a wrong one is a sentence that names it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def text(name: str, default: str = "") -> str:
    """The variable without the blanks around it; empty counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    told = text(name).lower()
    if not told:
        return default
    if told not in _FLAGS:
        raise ImproperlyConfigured(f"{name} is {told!r}: give true or false.")
    return _FLAGS[told]


def number(name: str, default: int, *, least: int, most: int) -> int:
    told = text(name)
    if not told:
        return default
    if not told.isascii() or not told.isdigit() or not least <= int(told) <= most:
        raise ImproperlyConfigured(f"{name} is {told!r}: give a whole number from {least} to {most}.")
    return int(told)


def choice(name: str, default: str, among: Sequence[str]) -> str:
    told = text(name, default).lower()
    if told not in among:
        raise ImproperlyConfigured(f"{name} is {told!r}: give one of {', '.join(among)}.")
    return told


def names(name: str) -> list[str]:
    """A list separated by commas."""
    return [part for part in (piece.strip() for piece in text(name).split(",")) if part]
