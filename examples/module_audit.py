"""What the audit finds out about one Python file: its size, its functions and how deep its blocks go."""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_parsing = threading.Lock()


@dataclass(frozen=True, slots=True)
class ModuleFigures:
    """The audit of one file.

    module: dotted name. deepest_nesting: blocks around the innermost statement, 0 in a flat file.
    longest_function: lines from its `def` to its last one, 0 without functions.
    """

    module: str
    path: str
    lines: int
    functions: int
    deepest_nesting: int
    longest_function: int

    @property
    def package(self) -> str:
        """The name one would import to get it: `email` of `email.mime.text`."""
        return self.module.partition(".")[0]


class NotPythonError(Exception):
    """A file that cannot be parsed; the message starts with `path:line:`, the cause is the parser's own error."""


def audit(path: Path, module: str) -> ModuleFigures:
    """Reads and measures one file. Raises NotPythonError when it cannot be parsed, OSError when it cannot be read."""
    source = path.read_bytes()
    statements = list(_statements(_parse(source, path)))
    functions = [node for node, _ in statements if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return ModuleFigures(
        module=module,
        path=str(path),
        lines=len(source.splitlines()),
        functions=len(functions),
        deepest_nesting=max((depth for _, depth in statements), default=0),
        longest_function=max((_length(function) for function in functions), default=0),
    )


def _parse(source: bytes, path: Path) -> ast.Module:
    # Old code makes the parser warn. The switch for that is one for the whole process, hence the lock; it costs
    # nothing, because the parser holds the interpreter anyway.
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source, filename=str(path))
        except (SyntaxError, ValueError) as error:  # ValueError: a NUL byte, before Python 3.12
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            raise NotPythonError(f"{path}:{_line_of(error, source)}: {reason}") from error


def _line_of(error: SyntaxError | ValueError, source: bytes) -> int:
    """The line of a mistake, from 1; for a NUL byte the parser itself does not tell."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    if line is None and b"\0" in source:
        line = source.count(b"\n", 0, source.index(b"\0")) + 1
    return max(line or 1, 1)


def _statements(tree: ast.Module) -> Iterator[tuple[ast.AST, int]]:
    """Every statement with the number of blocks around it; a loop, because generated code nests without a limit."""
    waiting: list[tuple[ast.AST, int]] = [(statement, 0) for statement in tree.body]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            for child in getattr(node, block, ()):
                beside = block == "handlers" or _is_elif(node, child)
                waiting.append((child, depth if beside else depth + 1))


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    """The tree holds `elif` as an `if` inside the `else`; only the column tells them apart."""
    return isinstance(node, ast.If) and isinstance(child, ast.If) and child.col_offset == node.col_offset


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1
