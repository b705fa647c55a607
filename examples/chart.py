"""The picture of a report: a bar chart of the largest packages, and smaller copies of it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .report import PackageFigures, Report
from .scratch_file import replacing

WIDTH = 1200
THUMBNAIL_WIDTHS = (160, 320, 640)

_LEFT, _RIGHT = 250, 1060  # of the bars; names stand before them, figures behind
_MARGIN, _HEAD, _ROW, _BAR, _FOOT = 48, 148, 38, 22, 64
_PAPER, _INK, _MUTED, _GRID, _FILL = "#ffffff", "#1b2430", "#566370", "#e1e6ec", "#2f6fb3"


def draw_chart(report: Report, path: Path) -> None:
    """Writes a PNG of WIDTH pixels with one bar for each of the report's largest packages."""
    pen = _Pen(WIDTH, _HEAD + _ROW * len(report.largest) + _FOOT)
    _draw_head(pen, report)
    if report.largest:
        pixels_a_line = _draw_scale(pen, report.largest[0].lines, len(report.largest))
        for place, package in enumerate(report.largest):
            _draw_bar(pen, package, _HEAD + _ROW * place, pixels_a_line)
    with replacing(path) as scratch:
        pen.picture().save(scratch, optimize=True)


def draw_thumbnail(chart: Path, width: int, path: Path) -> None:
    """Writes a copy of a picture, `width` pixels wide and in its proportions."""
    with Image.open(chart) as image:
        small = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    with replacing(path) as scratch:
        small.save(scratch, optimize=True)


class _Pen:
    """A canvas measured in final pixels; it is drawn larger and scaled down, for smooth edges."""

    ENLARGED = 3

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * self.ENLARGED, height * self.ENLARGED), _PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def text(self, x: float, y: float, text: str, *, size: int, anchor: str = "lm", colour: str = _INK) -> None:
        """anchor: l, m or r for where x is, then m or s (middle, baseline) for y."""
        font = ImageFont.load_default(size * self.ENLARGED)
        halo = 4 * self.ENLARGED  # so that no line of the grid runs through the figures
        place = (x * self.ENLARGED, y * self.ENLARGED)
        self._draw.text(place, text, colour, font, anchor, stroke_width=halo, stroke_fill=_PAPER)

    def box(self, left: float, top: float, right: float, bottom: float, *, colour: str, round_by: int = 0) -> None:
        """A filled box; round_by: radius of its right-hand corners."""
        edges = [edge * self.ENLARGED for edge in (left, top, right, bottom)]
        right_only = (False, True, True, False)
        self._draw.rounded_rectangle(edges, round_by * self.ENLARGED, colour, corners=right_only)

    def picture(self) -> Image.Image:
        return self._image.resize((self.width, self.height), Image.Resampling.LANCZOS)


def _draw_head(pen: _Pen, report: Report) -> None:
    pen.text(_MARGIN, 52, "Largest packages of this Python installation", size=30)
    measured = f"{report.lines:,} lines and {report.functions:,} functions in {report.modules:,} modules"
    pen.text(_MARGIN, 92, measured, size=18, colour=_MUTED)
    pen.text(_MARGIN, pen.height - 24, f"Audit {report.run}", size=14, colour=_MUTED)
    pen.text(WIDTH - _MARGIN, pen.height - 24, "lines of code, comments included", size=14, anchor="rm", colour=_MUTED)


def _draw_scale(pen: _Pen, most: int, rows: int) -> float:
    """Draws the grid; says how many pixels a line of code gets."""
    pixels_a_line = (_RIGHT - _LEFT) / max(most, 1)
    for lines in range(0, most + 1, _round_step(most)):
        x = _LEFT + lines * pixels_a_line
        pen.box(x, _HEAD - 8, x + 1, _HEAD + _ROW * rows, colour=_GRID)
        pen.text(x, _HEAD - 20, f"{lines:,}", size=13, anchor="mm", colour=_MUTED)
    return pixels_a_line


def _round_step(most: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, … that cuts the scale into at most six parts."""
    steps = (int(digit * 10**zeros) for zeros in count() for digit in (1, 2, 5))
    return next(step for step in steps if step * 6 >= most)


def _draw_bar(pen: _Pen, package: PackageFigures, top: float, pixels_a_line: float) -> None:
    middle = top + _ROW / 2
    end = _LEFT + max(package.lines * pixels_a_line, 3)
    pen.text(_LEFT - 14, middle, _shortened(package.name), size=17, anchor="rm")
    pen.box(_LEFT, middle - _BAR / 2, end, middle + _BAR / 2, colour=_FILL, round_by=3)
    pen.text(end + 10, middle, f"{package.lines:,}", size=15, colour=_MUTED)


def _shortened(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"
