"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .aim import Aim, Verdict
from .series import Series


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured on one store. unit: "jobs/s", where more is better, or "ms"."""

    store: str
    what: str
    unit: str
    ours: Series
    bare: Series | None = None
    aim: Aim | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """None for a row that is only told."""
        return None if self.aim is None else self.aim.judge(self.ours, self.bare)

    @property
    def is_missed(self) -> bool:
        verdict = self.verdict
        return verdict is not None and not verdict.is_met

    @property
    def ratio(self) -> float | None:
        """How many times as fast the bare rival was."""
        return None if self.bare is None else self.bare.over(self.ours).median

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        verdict = self.verdict
        return {
            "store": self.store,
            "what": self.what,
            "unit": self.unit,
            "ours": list(self.ours.values),
            "bare": None if self.bare is None else list(self.bare.values),
            "ratio": self.ratio,
            "aim": None if self.aim is None else self.aim.text,
            "figure": None if verdict is None else verdict.figure,
            "met": None if verdict is None else verdict.is_met,
            "note": self.note,
        }


def exit_code(rows: list[Row]) -> int:
    """1 when an aim was missed, or when nothing was measured."""
    return 1 if not rows or any(row.is_missed for row in rows) else 0
