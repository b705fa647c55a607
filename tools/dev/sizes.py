"""The size gate: a file, a function or a template that has grown too long to be read at one sitting."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

PYTHON_FOLDERS = ("core", "jobs_dashboard", "examples", "tests", "tools", "bench")
TEMPLATE_FOLDERS = ("templates", "jobs_dashboard/templates")
FILE_LINES = 500
FUNCTION_LINES = 60
TEMPLATE_LINES = 90
# Made by Django, not read by people.
GENERATED = "/migrations/"


def violations(root: Path) -> list[str]:
    """A sentence for everything that is too long, and for every exception that nothing needs any more.

    Exceptions stand in pyproject.toml under [tool.sizes.exceptions], as "path" or "path::function" = "reason".
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    exceptions: dict[str, str] = settings.get("tool", {}).get("sizes", {}).get("exceptions", {})
    found = dict(_too_long(root))
    sentences = [sentence for place, sentence in found.items() if place not in exceptions]
    sentences += [f"{place}: is excepted without a reason" for place, reason in exceptions.items() if not reason]
    sentences += [f"{place}: needs no exception any more" for place in exceptions if place not in found]
    return sorted(sentences)


def _too_long(root: Path) -> Iterator[tuple[str, str]]:
    for path in _files(root, PYTHON_FOLDERS, "*.py"):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        yield from _longer(name, text, FILE_LINES)
        for function, lines in _functions(text):
            if lines > FUNCTION_LINES:
                sentence = f"{name}: {function} has {lines} lines; a function has at most {FUNCTION_LINES}"
                yield f"{name}::{function}", sentence
    for path in _files(root, TEMPLATE_FOLDERS, "*.html"):
        yield from _longer(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"), TEMPLATE_LINES)


def _longer(name: str, text: str, limit: int) -> Iterator[tuple[str, str]]:
    lines = text.count("\n")
    if lines > limit:
        yield name, f"{name}: has {lines} lines; at most {limit} are read at one sitting"


def _functions(text: str) -> Iterator[tuple[str, int]]:
    """Every function with its length, decorators and docstring not counted."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return  # ruff says it better
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            first = node.lineno
            docstring = (node.body[0].end_lineno or 0) - node.body[0].lineno + 1 if body is not node.body else 0
            yield node.name, (node.end_lineno or first) - first + 1 - docstring


def _files(root: Path, folders: tuple[str, ...], pattern: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((root / folder).rglob(pattern)):
            name = path.relative_to(root).as_posix()
            if GENERATED not in name and not name.startswith("examples/data/"):
                yield path
