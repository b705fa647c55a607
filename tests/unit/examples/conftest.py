"""Figures of a few real modules, as the tests of exports, charts and letters need them."""

from __future__ import annotations

from itertools import islice

import pytest

from examples.installation import standard_library
from examples.module_audit import ModuleFigures, audit
from examples.report import Report, report_on


@pytest.fixture(scope="session")
def modules() -> list[ModuleFigures]:
    return [audit(module.path, module.name) for module in islice(standard_library(), 120)]


@pytest.fixture
def report(modules: list[ModuleFigures]) -> Report:
    return report_on("20260131-093000-1f2e", modules, broken=3)
