"""One run of the audit: its id, its folder, and the list of the jobs that belong to it."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .scratch_file import replacing

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Run:
    """A folder `<root>/runs/<id>`; ids sort by the time of their start."""

    root: Path
    id: str

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):  # ids become paths, and they arrive in job arguments
            raise ValueError(f"{self.id!r} is no run: an id looks like 20260131-093000-1f2e")

    @classmethod
    def new(cls, root: Path, now: datetime) -> Run:
        return cls(root, f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}")

    @property
    def started(self) -> datetime:
        return datetime.strptime(self.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)

    @property
    def folder(self) -> Path:
        return self.root / "runs" / self.id

    @property
    def csv(self) -> Path:
        return self.folder / "modules.csv"

    @property
    def json(self) -> Path:
        return self.folder / "modules.json"

    @property
    def spreadsheet(self) -> Path:
        return self.folder / "modules.xlsx"

    @property
    def chart(self) -> Path:
        return self.folder / "chart.png"

    def thumbnail(self, width: int) -> Path:
        return self.folder / f"chart-{width}.png"

    def receipt(self, edition: str) -> Path:
        """The file that says this edition of the report was sent."""
        return self.folder / f"mailed-{edition}.txt"

    def save_jobs(self, ids: list[str]) -> None:
        """Writes down which jobs belong to the run."""
        with replacing(self.folder / "manifest.json") as scratch:
            scratch.write_text(json.dumps({"run": self.id, "jobs": ids}, indent=1), encoding="utf-8")

    def job_ids(self) -> list[str]:
        """The jobs of the run. Raises FileNotFoundError when its folder was cleaned up."""
        manifest: dict[str, list[str]] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        return manifest["jobs"]


def all_runs(root: Path) -> list[Run]:
    """Every run with a folder, the oldest first."""
    return [Run(root, path.name) for path in sorted(root.glob("runs/*")) if _ID.fullmatch(path.name)]


def runs_to_remove(runs: list[Run], keep: int, now: datetime) -> list[Run]:
    """All but the newest `keep`, and never one of the last hour: it may still be under way."""
    return [run for run in runs[: max(len(runs) - keep, 0)] if now - run.started > timedelta(hours=1)]
