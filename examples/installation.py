"""The Python installation the demo works on: which files it audits, and what they are called."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

SHIPPED = Path(__file__).parent / "data"
PACKAGES = frozenset({"site-packages", "dist-packages"})
TESTS = frozenset({"test", "tests", "idle_test"})


@dataclass(frozen=True, slots=True)
class Module:
    """A file to audit, and the dotted name it is shown under."""

    name: str
    path: Path


def modules_to_audit(cap: int) -> list[Module]:
    """At most `cap` modules, the same ones in the same order each time on one machine.

    First the three broken files that the demo brings along, then the standard library, then the environment.
    """
    return list(islice(chain(shipped_modules(), standard_library(), environment()), cap))


def shipped_modules() -> Iterator[Module]:
    """Three files that are no Python: a syntax error, a wrong encoding, a NUL byte."""
    return _modules_under(SHIPPED, prefix="examples.data.")


def standard_library() -> Iterator[Module]:
    """The standard library without its own tests: they bring files which are broken on purpose."""
    return _modules_under(Path(sysconfig.get_path("stdlib")), without=PACKAGES | TESTS)


def environment() -> Iterator[Module]:
    """Everything installed beside the interpreter or into its virtual environment."""
    roots = sorted({Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")})
    return chain.from_iterable(_modules_under(root) for root in roots)


def _modules_under(root: Path, *, prefix: str = "", without: frozenset[str] = frozenset()) -> Iterator[Module]:
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = sorted(set(subfolders) - without)  # in place: it is what the walk goes on with
        for path in (Path(folder, name) for name in sorted(files) if name.endswith(".py")):
            if path.is_file():  # not a link that leads nowhere
                yield Module(prefix + _dotted(path.relative_to(root)), path)


def _dotted(inside: Path) -> str:
    """`email/mime/__init__.py` -> `email.mime`."""
    parts = inside.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
