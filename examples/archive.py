"""The reports of all runs, one small file each; they stay when the clean-up takes a run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from .report import PackageFigures, Report
from .scratch_file import replacing


def save(report: Report, root: Path) -> None:
    with replacing(root / "reports" / f"{report.run}.json") as scratch:
        scratch.write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")


def load(run: str, root: Path) -> Report | None:
    """The report of a run, None when it has none yet."""
    path = root / "reports" / f"{run}.json"
    return _read(path) if path.exists() else None


def load_all(root: Path) -> list[Report]:
    """Every report, the oldest run first."""
    return [_read(path) for path in sorted(root.glob("reports/[0-9]*.json"))]


def _read(path: Path) -> Report:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Report(**content | {"largest": [PackageFigures(**package) for package in content["largest"]]})
