"""The totals of a report, against sums made apart from it."""

from __future__ import annotations

from pathlib import Path

from examples import archive
from examples.module_audit import ModuleFigures
from examples.report import LARGEST, Report, packages_of, report_on


def test_totals_equal_an_independent_count(modules: list[ModuleFigures], report: Report) -> None:
    lines = sum(len(Path(module.path).read_bytes().splitlines()) for module in modules)
    assert (report.modules, report.lines) == (len(modules), lines)
    assert report.packages == len({module.module.split(".")[0] for module in modules})


def test_packages_add_up_to_the_whole(modules: list[ModuleFigures], report: Report) -> None:
    packages = packages_of(modules)
    assert sum(package.lines for package in packages) == report.lines
    assert sum(package.functions for package in packages) == report.functions
    assert [package.lines for package in packages] == sorted((p.lines for p in packages), reverse=True)
    assert report.largest == packages[:LARGEST]


def test_a_run_without_figures_has_a_report_as_well() -> None:
    report = report_on("20260131-093000-1f2e", [], missing=2)
    assert (report.modules, report.lines, report.longest_function, report.largest) == (0, 0, 0, [])


def test_the_archive_gives_back_what_was_saved_in_the_order_of_the_runs(tmp_path: Path, report: Report) -> None:
    earlier = report_on("20251231-235959-ffff", [])
    archive.save(report, tmp_path)
    archive.save(earlier, tmp_path)
    assert archive.load_all(tmp_path) == [earlier, report]
    assert archive.load(report.run, tmp_path) == report
    assert archive.load("20260131-093000-0000", tmp_path) is None
