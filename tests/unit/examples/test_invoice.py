"""The invoice for a month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from examples.invoice import invoice_for
from examples.report import Report, report_on


def report_of(run: str, lines: int) -> Report:
    empty = report_on(run, [])
    return Report(**{name: getattr(empty, name) for name in Report.__slots__} | {"lines": lines})


def test_the_audits_of_the_month_are_charged_and_no_others() -> None:
    reports = [
        report_of("20260131-235959-0001", 1_000_000),
        report_of("20260201-000000-0002", 750_000),
        report_of("20260228-120000-0003", 250_250),
    ]
    invoice = invoice_for(date(2026, 2, 17), reports, Decimal("0.02"))
    assert (invoice.number, invoice.audits, invoice.lines) == ("2026-02", 2, 1_000_250)
    assert invoice.amount == Decimal("20.01")


def test_half_a_cent_is_rounded_up() -> None:
    assert invoice_for(date(2026, 1, 1), [report_of("20260101-000000-0001", 250)], Decimal("0.02")).amount == Decimal(
        "0.01"
    )
