"""The invoice for a month of audits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from .report import Report


@dataclass(frozen=True, slots=True)
class Invoice:
    """month: its first day. price: euros per 1,000 lines."""

    month: date
    audits: int
    lines: int
    price: Decimal

    @property
    def number(self) -> str:
        """One invoice a month, so the month is its number."""
        return f"{self.month:%Y-%m}"

    @property
    def amount(self) -> Decimal:
        """In euros, rounded to the cent."""
        return (self.price * self.lines / 1000).quantize(Decimal("0.01"), ROUND_HALF_UP)


def invoice_for(month: date, reports: Iterable[Report], price: Decimal) -> Invoice:
    """Charges the audits of the month that `month` lies in."""
    first = month.replace(day=1)
    charged = [report for report in reports if report.day.replace(day=1) == first]
    return Invoice(first, len(charged), sum(report.lines for report in charged), price)
