"""The matrix has no empty cell, whichever tests this run has chosen."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from core.model.states import State

from .matrix import VERBS, Cell, cells_of

HERE = Path(__file__).parent


def test_every_verb_is_shown_in_every_state():
    covered = {cell for path in sorted(HERE.glob("test_*.py")) for cell in cells_in(load(path))}
    every = {(verb, state.value) for verb in VERBS for state in State}
    assert every - covered == set()


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{__package__}.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells_in(module: ModuleType) -> Iterator[Cell]:
    """What the marks of a module's tests claim, those of single cases too."""
    for name, value in vars(module).items():
        if name.startswith("test_"):
            for mark in getattr(value, "pytestmark", ()):
                yield from cells_of([mark, *marks_of_cases(mark)])


def marks_of_cases(mark: pytest.Mark) -> Iterator[pytest.Mark]:
    if mark.name == "parametrize":
        for case in mark.args[1]:
            for inner in getattr(case, "marks", ()):
                yield inner.mark if isinstance(inner, pytest.MarkDecorator) else inner
