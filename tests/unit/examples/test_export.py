"""The exported files, read again by other means than they were written with."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from openpyxl import load_workbook

from examples.export import COLUMNS, write_csv, write_json, write_spreadsheet
from examples.module_audit import ModuleFigures
from examples.report import Report


def test_the_csv_has_one_row_a_module_and_its_columns_add_up(
    tmp_path: Path, modules: list[ModuleFigures], report: Report
) -> None:
    write_csv(modules, tmp_path / "modules.csv")
    with (tmp_path / "modules.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["module"] for row in rows] == [module.module for module in modules]
    assert sum(int(row["lines"]) for row in rows) == report.lines
    assert sum(int(row["functions"]) for row in rows) == report.functions
    assert all(Path(row["path"]).is_file() for row in rows)


def test_the_json_holds_totals_and_modules(tmp_path: Path, modules: list[ModuleFigures], report: Report) -> None:
    write_json(report, modules, tmp_path / "modules.json")
    content = json.loads((tmp_path / "modules.json").read_text(encoding="utf-8"))
    assert content["report"]["lines"] == sum(module["lines"] for module in content["modules"])
    assert len(content["modules"]) == len(modules)


def test_the_spreadsheet_opens_with_totals_packages_and_modules(
    tmp_path: Path, modules: list[ModuleFigures], report: Report
) -> None:
    write_spreadsheet(report, modules, tmp_path / "modules.xlsx")
    book = load_workbook(tmp_path / "modules.xlsx")
    assert book.sheetnames == ["Totals", "Packages", "Modules"]
    totals = dict(book["Totals"].iter_rows(min_row=2, values_only=True))
    assert (totals["modules"], totals["lines"], totals["broken"]) == (report.modules, report.lines, 3)
    header, *rows = book["Modules"].iter_rows(values_only=True)
    assert header == COLUMNS
    assert sum(row[COLUMNS.index("lines")] for row in rows) == report.lines
    assert sum(row[2] for row in book["Packages"].iter_rows(min_row=2, values_only=True)) == report.lines


def test_a_run_without_figures_is_exported_too(tmp_path: Path, report: Report) -> None:
    write_csv([], tmp_path / "none.csv")
    write_spreadsheet(report, [], tmp_path / "none.xlsx")
    assert (tmp_path / "none.csv").read_text(encoding="utf-8") == ",".join(COLUMNS) + "\n"
    assert load_workbook(tmp_path / "none.xlsx")["Modules"].max_row == 1
