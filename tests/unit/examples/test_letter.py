"""The letters of the demo, as Django's mail API hands them over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.mail import EmailMessage

from examples.invoice import Invoice
from examples.letter import invoice_letter, report_letter, send_once, summary_letter
from examples.report import Report

TO = ["team@example.com"]


def test_a_report_carries_its_figures_and_files(tmp_path: Path, report: Report, mailoutbox: list[EmailMessage]) -> None:
    csv, chart = tmp_path / "modules.csv", tmp_path / "chart.png"
    csv.write_text("package,module\n")
    chart.write_bytes(b"\x89PNG")
    assert send_once(report_letter(report, [csv, chart], edition="first", to=TO), tmp_path / "receipt.txt")
    message = mailoutbox[0].message()
    names = [part.get_filename() for part in message.walk() if part.get_filename()]
    assert names == ["modules.csv", "chart.png"]
    assert f"{report.lines:,}" in mailoutbox[0].body


def test_a_letter_with_a_receipt_is_not_sent_again(tmp_path: Path, mailoutbox: list[EmailMessage]) -> None:
    letter = EmailMessage("subject", "body", to=TO, headers={"Message-ID": "<1@example.com>"})
    assert send_once(letter, tmp_path / "receipt.txt")
    assert not send_once(letter, tmp_path / "receipt.txt")
    assert len(mailoutbox) == 1


def test_a_letter_that_could_not_be_sent_leaves_no_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: EmailMessage) -> int:
        raise ConnectionRefusedError("no mail server")

    monkeypatch.setattr(EmailMessage, "send", refuse)
    letter = EmailMessage("subject", "body", to=TO, headers={"Message-ID": "<1@example.com>"})
    with pytest.raises(ConnectionRefusedError):
        send_once(letter, tmp_path / "receipt.txt")
    assert not (tmp_path / "receipt.txt").exists()


def test_each_edition_keeps_its_message_id(report: Report) -> None:
    def identity(edition: str) -> str:
        return str(report_letter(report, [], edition=edition, to=TO).extra_headers["Message-ID"])

    assert identity("first") == identity("first") != identity("2026-02-01")


def test_a_summary_has_a_line_for_each_audit(report: Report) -> None:
    later = replace(report, run="20260201-093000-1f2e", modules=1234)
    body = summary_letter([report, later], date(2026, 1, 26), date(2026, 2, 1), to=TO).body
    assert "Sat 31 January" in body
    assert "1,234 modules" in body


def test_an_invoice_names_its_amount() -> None:
    body = invoice_letter(Invoice(date(2026, 1, 1), 2, 1_500_000, Decimal("0.02")), to=TO).body
    assert "Invoice 2026-01 for January 2026" in body
    assert "Amount due: 30.00 EUR" in body
