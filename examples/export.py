"""The figures of a run as files for other programs: CSV, JSON and an Excel workbook."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from .module_audit import ModuleFigures
from .report import Report, packages_of
from .scratch_file import replacing

COLUMNS = ("package", "module", "lines", "functions", "deepest_nesting", "longest_function", "path")

Row = tuple[str | int, ...]


def write_csv(modules: Sequence[ModuleFigures], path: Path) -> None:
    """One row a module below a line of column names."""
    with replacing(path) as scratch, scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(modules))


def write_json(report: Report, modules: Sequence[ModuleFigures], path: Path) -> None:
    """`{"report": {totals…}, "modules": [{…}, …]}`."""
    content = {"report": asdict(report), "modules": [asdict(module) for module in modules]}
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(content, indent=1), encoding="utf-8")


def write_spreadsheet(report: Report, modules: Sequence[ModuleFigures], path: Path) -> None:
    """A workbook of three sheets: Totals, Packages, Modules."""
    book = Workbook()
    book.remove(book.active)
    totals = [(name.replace("_", " "), value) for name, value in asdict(report).items() if name != "largest"]
    packages = [(each.name, each.modules, each.lines, each.functions) for each in packages_of(modules)]
    _fill(book.create_sheet("Totals"), ("figure", "value"), totals)
    _fill(book.create_sheet("Packages"), ("package", "modules", "lines", "functions"), packages)
    _fill(book.create_sheet("Modules"), COLUMNS, _rows(modules))
    with replacing(path) as scratch:
        book.save(scratch)


def _rows(modules: Sequence[ModuleFigures]) -> list[Row]:
    return [tuple(getattr(module, column) for column in COLUMNS) for module in modules]


def _fill(sheet: Worksheet, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    sheet.append(columns)
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    for number, values in enumerate(zip(columns, *rows, strict=True), start=1):
        widest = max(len(str(value)) for value in values)
        sheet.column_dimensions[get_column_letter(number)].width = min(widest + 3, 60)
