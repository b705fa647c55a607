"""The Lua scripts: read from lua/, put together with the parts they use, known to the server by their digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_KEYS = re.compile(r"^-- keys: (.+(?:\n--  +\S.*)*)", re.MULTILINE)
_USES = re.compile(r"^-- uses: (.+)", re.MULTILINE)
_REFUSES_WHEN_FULL = re.compile(r"^-- oom: refuse", re.MULTILINE)
_READS_ONLY = re.compile(r"^-- reads only", re.MULTILINE)
_NESTED = 3  # a function sees at most 60 variables of those around it
# Without flags a server refuses a script's first write when its memory is full, unless another write that takes no
# memory came first.
_WRITE_FIRST = "redis.call('PERSIST', KEYS[1])\n"


@dataclass(frozen=True, slots=True)
class Script:
    """One verb: its full text, the short names of the keys it declares, and its digest."""

    name: str
    text: str
    keys: tuple[str, ...]
    digest: str


@cache
def load_scripts(*, with_flags: bool) -> Mapping[str, Script]:
    """Every verb by name. with_flags: for Redis 7 and later, where a first line says what a script may do."""
    folder = files(__package__) / "lua"
    names = [entry.name.removesuffix(".lua") for entry in folder.iterdir() if entry.name.endswith(".lua")]
    return {name: _assemble(name, with_flags=with_flags) for name in sorted(names)}


def _assemble(name: str, *, with_flags: bool) -> Script:
    verb = _read(f"{name}.lua")
    keys = tuple(_found(_KEYS, verb).replace("--", " ").split())
    parts = [_read(f"lib/{part}.lua") for part in _found(_USES, verb).split()]
    named = ", ".join(f"['{key}'] = KEYS[{index}]" for index, key in enumerate(keys, 1))
    text = "".join([_opening(verb, with_flags=with_flags), f"local K = {{ {named} }}\n", *_nested([*parts, verb])])
    return Script(name, text, keys, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _nested(parts: Sequence[str]) -> Iterator[str]:
    """Parts that stand on those before them, the first few each as a function around what follows.

    Lua finds a variable of the same function among all that are captured so far, one of a function around it at once:
    side by side, the parts of a large script take longer to set up than its verb takes to run.
    """
    depth = min(_NESTED, len(parts) - 1)
    for part in parts[:depth]:
        yield part
        yield "return (function()\n"
    yield from parts[depth:]
    yield "end)()\n" * depth


def _opening(verb: str, *, with_flags: bool) -> str:
    """What lets a verb go on when the server's memory is full: settles free more than they take."""
    if _REFUSES_WHEN_FULL.search(verb):
        return "#!lua\n" if with_flags else ""
    if _READS_ONLY.search(verb):
        return "#!lua flags=no-writes,allow-oom\n" if with_flags else ""
    return "#!lua flags=allow-oom\n" if with_flags else _WRITE_FIRST


def _found(pattern: re.Pattern[str], verb: str) -> str:
    found = pattern.search(verb)
    return found.group(1) if found else ""


def _read(path: str) -> str:
    return (files(__package__) / "lua" / path).read_text(encoding="utf-8")
