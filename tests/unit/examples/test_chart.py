"""The pictures, opened again by Pillow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from examples.chart import THUMBNAIL_WIDTHS, WIDTH, draw_chart, draw_thumbnail
from examples.report import PackageFigures, Report

BAR = (0x2F, 0x6F, 0xB3)


def bar_lengths(chart: Path) -> list[int]:
    """How many pixels of each bar a picture shows, top to bottom; a bar is a band of rows with its colour."""
    with Image.open(chart) as image:
        widths = [sum(image.getpixel((x, y)) == BAR for x in range(image.width)) for y in range(image.height)]
    bands: list[list[int]] = [[]]
    for width in widths:
        bands[-1].append(width) if width else bands.append([])
    return [max(band) for band in bands if band]


def test_the_chart_has_a_bar_for_each_package_in_proportion(tmp_path: Path, report: Report) -> None:
    draw_chart(report, tmp_path / "chart.png")
    lengths = bar_lengths(tmp_path / "chart.png")
    assert len(lengths) == len(report.largest)
    longest, half_way = report.largest[0].lines, report.largest[7].lines
    assert lengths[7] / lengths[0] == pytest.approx(half_way / longest, abs=0.02)


@pytest.mark.parametrize("width", THUMBNAIL_WIDTHS)
def test_a_thumbnail_has_its_width_and_the_proportions_of_the_chart(tmp_path: Path, report: Report, width: int) -> None:
    draw_chart(report, tmp_path / "chart.png")
    draw_thumbnail(tmp_path / "chart.png", width, tmp_path / "small.png")
    with Image.open(tmp_path / "chart.png") as chart, Image.open(tmp_path / "small.png") as small:
        small.load()
        assert (chart.width, small.width, small.format) == (WIDTH, width, "PNG")
        assert small.height / small.width == pytest.approx(chart.height / chart.width, abs=0.01)


@pytest.mark.parametrize(
    "largest",
    [[], [PackageFigures("empty", 1, 0, 0)], [PackageFigures("a_name_that_is_far_too_long_to_fit", 1, 7, 0)]],
)
def test_odd_reports_are_drawn_too(tmp_path: Path, report: Report, largest: list[PackageFigures]) -> None:
    draw_chart(replace(report, largest=largest), tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as image:
        image.verify()
