"""The verb x state x store matrix: which behaviour covers which cell, and the table printed at the end of a run."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import pytest

from core.model.states import State

VERBS = (
    "enqueue",
    "unique",
    "claim",
    "settle",
    "replay",
    "then",
    "renew",
    "release",
    "note",
    "rescue",
    "retry",
    "cancel",
    "discard",
    "sweep",
    "pause",
    "gate",
    "rate",
    "hold",
    "adopt",
    "withdraw",
    "purge",
    "trim",
    "tick",
    "get",
    "page",
    "search",
    "ahead",
    "counts",
)
Cell = tuple[str, str]
_PROPERTY = "covers"


def covers(verb: str, *states: State) -> pytest.MarkDecorator:
    """Say that a test shows what a verb does to jobs in these states (all of them when none is named)."""
    assert verb in VERBS, f"{verb} is no row of the matrix: {', '.join(VERBS)}"
    return pytest.mark.covers(verb, tuple(states or State))


def each_state(verb: str, *states: State) -> pytest.MarkDecorator:
    """Run a test once for each state (all when none is named), each run covering its own cell."""
    cases = [pytest.param(state, id=state.value, marks=covers(verb, state)) for state in states or State]
    return pytest.mark.parametrize("state", cases)


def cells_of(marks: Iterable[pytest.Mark]) -> Iterator[Cell]:
    """The cells that a test's marks claim."""
    for mark in marks:
        if mark.name == "covers":
            verb, states = mark.args
            yield from ((verb, state.value) for state in states)


class Matrix:
    """A pytest plugin: counts, for each store, the behaviours that passed and failed in each cell."""

    def __init__(self) -> None:
        self._passed: dict[str, Counter[Cell]] = defaultdict(Counter)
        self._failed: dict[str, Counter[Cell]] = defaultdict(Counter)
        self._behaviours: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Write each test's store and cells where its reports carry them, from another process too."""
        for item in items:
            stores = [mark.args[0] for mark in item.iter_markers("store")]
            if stores:
                cells = sorted(set(cells_of(item.iter_markers("covers"))))
                name = getattr(item, "originalname", item.name)
                item.user_properties.append((_PROPERTY, [stores[0], f"{item.path.name}::{name}", cells]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = dict(report.user_properties).get(_PROPERTY)
        if told is None or (report.when != "call" and report.passed):
            return
        store, behaviour, cells = told
        tally = self._passed if report.passed else self._failed
        tally[store].update((verb, state) for verb, state in cells)
        self._behaviours[store].add(behaviour)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._behaviours:
            return
        for store, behaviours in self._behaviours.items():
            terminalreporter.section(f"conformance: {store}, {len(behaviours)} behaviours")
            for line in self._table(store):
                terminalreporter.line(line)

    def _table(self, store: str) -> Iterator[str]:
        yield " " * 9 + "".join(f"{state.value:>11}" for state in State)
        for verb in VERBS:
            yield f"{verb:9}" + "".join(f"{self._cell(store, (verb, state.value)):>11}" for state in State)

    def _cell(self, store: str, cell: Cell) -> str:
        passed, failed = self._passed[store][cell], self._failed[store][cell]
        if failed:
            return f"{failed} FAILED"
        return str(passed or "-")
