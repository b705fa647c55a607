"""What a row has to reach, and whether it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .series import Series


@dataclass(frozen=True)
class Verdict:
    """The figure that was compared, as it is printed, and whether it is good enough."""

    figure: str
    is_met: bool


class Aim(Protocol):
    """A bound for the median of the rounds."""

    @property
    def text(self) -> str: ...

    def judge(self, ours: Series, bare: Series | None) -> Verdict: ...


@dataclass(frozen=True)
class TimesBare:
    """For rates: the bare rival may be at most so many times as fast, by the median of the rounds' ratios."""

    most: float

    @property
    def text(self) -> str:
        return f"<= {self.most:g}x bare"

    def judge(self, ours: Series, bare: Series | None) -> Verdict:
        if bare is None:
            raise ValueError("an aim beside bare commands needs their figures")
        ratio = bare.over(ours).median
        return Verdict(f"{ratio:.2f}x", ratio <= self.most)


@dataclass(frozen=True)
class Within:
    """For times: at most so many milliseconds."""

    most_ms: float

    @property
    def text(self) -> str:
        return f"<= {self.most_ms:g} ms"

    def judge(self, ours: Series, bare: Series | None) -> Verdict:
        return Verdict(f"{ours.median:.2f} ms", ours.median <= self.most_ms)


@dataclass(frozen=True)
class AtLeast:
    """For rates: at least so many jobs a second; `note` says where the number comes from."""

    least: float
    note: str = ""

    @property
    def text(self) -> str:
        return f">= {self.least:,.0f}/s{self.note}"

    def judge(self, ours: Series, bare: Series | None) -> Verdict:
        return Verdict(f"{ours.median:,.0f}/s", ours.median >= self.least)
