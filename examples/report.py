"""The report on one run: its totals and its largest packages, from the figures of its modules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from .module_audit import ModuleFigures

LARGEST = 15


@dataclass(frozen=True, slots=True)
class PackageFigures:
    """All audited modules of one package together."""

    name: str
    modules: int
    lines: int
    functions: int


@dataclass(frozen=True, slots=True)
class Report:
    """The totals of one run. JSON-able, so it travels from one step of a chain to the next.

    broken: files that gave up with an error. missing: jobs that were cancelled, or forgotten by the store.
    largest: packages by lines, at most LARGEST.
    """

    run: str
    modules: int
    packages: int
    lines: int
    functions: int
    deepest_nesting: int
    longest_function: int
    broken: int
    missing: int
    largest: list[PackageFigures]

    @property
    def day(self) -> date:
        """The day the run started, in UTC."""
        return date.fromisoformat(self.run[:8])


def report_on(run: str, modules: Sequence[ModuleFigures], *, broken: int = 0, missing: int = 0) -> Report:
    """Adds everything up."""
    packages = packages_of(modules)
    return Report(
        run=run,
        modules=len(modules),
        packages=len(packages),
        lines=sum(module.lines for module in modules),
        functions=sum(module.functions for module in modules),
        deepest_nesting=max((module.deepest_nesting for module in modules), default=0),
        longest_function=max((module.longest_function for module in modules), default=0),
        broken=broken,
        missing=missing,
        largest=packages[:LARGEST],
    )


def packages_of(modules: Iterable[ModuleFigures]) -> list[PackageFigures]:
    """The packages, most lines first; those of one size by name."""
    members: defaultdict[str, list[ModuleFigures]] = defaultdict(list)
    for module in modules:
        members[module.package].append(module)
    packages = [
        PackageFigures(name, len(own), sum(m.lines for m in own), sum(m.functions for m in own))
        for name, own in members.items()
    ]
    return sorted(packages, key=lambda package: (-package.lines, package.name))
