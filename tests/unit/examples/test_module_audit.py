"""The figures of a module, against counts that know nothing of the syntax tree."""

from __future__ import annotations

import tokenize
from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest

from examples.installation import SHIPPED
from examples.module_audit import ModuleFigures, NotPythonError, audit


def audit_text(folder: Path, text: str) -> ModuleFigures:
    path = folder / "sample.py"
    path.write_text(dedent(text), encoding="utf-8")
    return audit(path, "sample")


def test_lines_and_functions_equal_a_count_of_bytes_and_tokens(modules: list[ModuleFigures]) -> None:
    for figures in modules:
        source = Path(figures.path).read_bytes().replace(b"\r\n", b"\n")
        unfinished_last_line = bool(source) and not source.endswith(b"\n")
        assert figures.lines == source.count(b"\n") + unfinished_last_line, figures.path
        assert figures.functions == tokens_of(figures.path)["def"], figures.path


def test_nesting_agrees_with_the_indentation(modules: list[ModuleFigures]) -> None:
    """A block on the line of its own head (`if x: return`) nests without an indent, and adds one at most."""
    for figures in modules:
        assert figures.deepest_nesting - deepest_indent(figures.path) in {0, 1}, figures.path


@pytest.mark.parametrize(
    ("text", "deepest"),
    [
        ("", 0),
        ("x = 1", 0),
        ("if x: y = 1", 1),
        ("if a:\n  1\nelif b:\n  2\nelif c:\n  3\nelse:\n  4", 1),
        ("if a:\n  1\nelse:\n  if b:\n    2", 2),
        ("try:\n  1\nexcept E:\n  2\nelse:\n  3\nfinally:\n  4", 1),
        ("match x:\n  case 1:\n    y = 1", 2),
        ("class A:\n  async def f(self):\n    async with a:\n      for b in c:\n        pass", 4),
    ],
)
def test_nesting_counts_blocks_and_an_elif_is_none_of_its_own(tmp_path: Path, text: str, deepest: int) -> None:
    assert audit_text(tmp_path, text).deepest_nesting == deepest


def test_longest_function_runs_from_its_def_to_its_last_line(tmp_path: Path) -> None:
    text = """
        @decorated
        def short(): return 1

        class A:
            async def long(self):
                def inner():
                    return 2

                return inner
        """
    figures = audit_text(tmp_path, text)
    assert (figures.functions, figures.longest_function) == (3, 5)


def test_generated_code_may_nest_deeper_than_python_recurses(tmp_path: Path) -> None:
    chain = "if x == 0: y = 0\n" + "".join(f"elif x == {n}: y = {n}\n" for n in range(1, 900))
    assert audit_text(tmp_path, chain).deepest_nesting == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [("syntax_error", "never closed"), ("bad_encoding", "can't decode byte 0xfc"), ("nul_byte", "null bytes")],
)
def test_a_shipped_broken_file_is_refused_with_its_line_and_the_parsers_own_error(name: str, reason: str) -> None:
    path = SHIPPED / f"{name}.py"
    with pytest.raises(NotPythonError, match=reason) as refused:
        audit(path, name)
    assert str(refused.value).startswith(f"{path}:5: ")
    assert isinstance(refused.value.__cause__, SyntaxError | ValueError)


def test_an_unknown_encoding_is_a_mistake_in_line_one(tmp_path: Path) -> None:
    with pytest.raises(NotPythonError, match=r"sample\.py:1: unknown encoding"):
        audit_text(tmp_path, "# coding: uft-8\n")


def test_warnings_of_the_parser_are_not_ours(tmp_path: Path) -> None:
    assert audit_text(tmp_path, r"pattern = '\d'").lines == 1  # pytest makes a warning an error here


def tokens_of(path: str) -> Counter[str]:
    with tokenize.open(path) as file:
        return Counter(token.string for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.NAME)


def deepest_indent(path: str) -> int:
    depth = deepest = 0
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            depth += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
            deepest = max(deepest, depth)
    return deepest
