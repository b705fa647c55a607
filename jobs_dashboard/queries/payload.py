"""Stored arguments and results as text to look at: decoded, secrets masked, pretty, coloured by Pygments classes."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JsonLexer, PythonTracebackLexer

from core.model.masking import without_secrets

MASK = "••••••"
PREVIEW_CHARS = 200
_SECRET = re.compile(r"pass|secret|token|key|auth(?!or(?!i))|card", re.IGNORECASE)
_COLOURED_CHARS = 32 * 1024  # what is longer is shown plain: colour is not worth a slow page
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_formatter = HtmlFormatter(nowrap=True)


def decode(packed: bytes | None) -> Any:
    """What was stored, or a sentence when it cannot be read."""
    if not packed:
        return {}
    try:
        return msgspec.msgpack.decode(packed)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        return f"cannot be read: {broken}"


def masked(value: Any) -> Any:
    """The value with everything under a key that looks like a secret replaced, and passwords inside of texts."""
    if isinstance(value, dict):
        return {key: MASK if _is_secret(key) else masked(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [masked(held) for held in value]
    return without_secrets(value) if isinstance(value, str) else value


def preview(arguments: bytes) -> str:
    """Arguments on one line, as a call would show them."""
    return shown(decode(arguments))


def shown(arguments: Any) -> str:
    """Decoded arguments on one line."""
    held = masked(arguments)
    if not isinstance(held, dict):
        return _cut(str(held))
    return _cut(", ".join(f"{key}={_short(value)}" for key, value in held.items()))


def pretty(value: Any) -> SafeString:
    """A value as indented JSON, masked and coloured; every character of it escaped."""
    text = visible(json.dumps(masked(value), indent=2, ensure_ascii=False, default=str))
    if len(text) > _COLOURED_CHARS:
        return escape(text)
    return mark_safe(highlight(text, JsonLexer(stripnl=False), _formatter))  # noqa: S308 - Pygments escapes


def traceback(text: str) -> SafeString:
    """A traceback, coloured; every character of it escaped."""
    text = visible(text)
    if len(text) > _COLOURED_CHARS:
        return escape(text)
    return mark_safe(highlight(text, PythonTracebackLexer(), _formatter))  # noqa: S308 - Pygments escapes


def visible(text: str) -> str:
    """Text with what a terminal or browser would obey (escapes, writing direction) spelt out."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _is_secret(key: Any) -> bool:
    return isinstance(key, str) and _SECRET.search(key) is not None


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))


def _cut(text: str) -> str:
    text = visible(text)
    return text if len(text) <= PREVIEW_CHARS else text[: PREVIEW_CHARS - 1] + "…"
