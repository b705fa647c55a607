"""Secrets in text that people will read: error messages, tracebacks, lines of a log."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"

# Every repetition is bounded, so that hostile text costs no more than its length. A value has four characters or
# more: masked text is never longer than it was. Code, such as `token = read()` or f"password={password}", stays.
_NAME = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)[\w-]{0,40}"
_QUOTED = r"(?:\"(?:[^\"\\\n]|\\.){4,4096}\"|'(?:[^'\\\n]|\\.){4,4096}')"
_BARE = r"[^\s,;&'\"\\(){}\[\]<>]{4,4096}"
_SECRETS: Final = (
    (re.compile(r"(://[^\s:/@]{0,256}:)[^\s/@]{3,1024}@"), rf"\1{MASK}@"),
    (re.compile(r"\b(Bearer |Authorization: Basic )[A-Za-z0-9._~+/=-]{16,4096}"), rf"\1{MASK}"),
    (re.compile(r"\b(jd_[0-9a-f]{8}_)[A-Za-z0-9_-]{16,100}"), rf"\1{MASK}"),
    (re.compile(rf"({_NAME}=\\?['\"]?){_BARE}", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"(['\"][\w-]{{0,40}}{_NAME}['\"]: ?){_QUOTED}", re.IGNORECASE), rf'\1"{MASK}"'),
)
_SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)


def without_secrets(text: str) -> str:
    """The text with what is certainly a secret replaced: passwords in URLs, bearer tokens, `password=…`."""
    for pattern, masked in _SECRETS:
        text = pattern.sub(masked, text)
    return text


def names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None
