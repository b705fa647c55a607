"""The e-mails of the demo: what they say, what is attached, and that each is sent once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.core.mail import EmailMessage

from .invoice import Invoice
from .report import Report
from .scratch_file import replacing

_REPORT = """\
Audit {0.run} is done.

  modules           {0.modules:>10,}
  packages          {0.packages:>10,}
  lines             {0.lines:>10,}
  functions         {0.functions:>10,}
  deepest nesting   {0.deepest_nesting:>10,} blocks
  longest function  {0.longest_function:>10,} lines
  broken files      {0.broken:>10,}

Attached: {files}
"""

_SUMMARY = """\
The audits from {since:%d %B} to {until:%d %B %Y}: {count}.

{table}
"""

_SUMMARY_LINE = "  {0.day:%a %d %B}  {0.modules:>6,} modules  {0.lines:>10,} lines  {0.broken:>3} broken"

_INVOICE = """\
Invoice {0.number} for {0.month:%B %Y}

  {0.audits:,} audits, {0.lines:,} lines of code
  at {0.price} EUR per 1,000 lines

  Amount due: {0.amount} EUR
"""


def report_letter(report: Report, files: Sequence[Path], *, edition: str, to: list[str]) -> EmailMessage:
    """The figures of one run, with its files."""
    body = _REPORT.format(report, files=", ".join(file.name for file in files))
    letter = _letter(f"Audit of {report.modules:,} Python modules", body, to, f"report-{report.run}-{edition}")
    for file in files:
        letter.attach_file(str(file))
    return letter


def summary_letter(reports: Sequence[Report], since: date, until: date, *, to: list[str]) -> EmailMessage:
    """One line for each audit between two days, both included."""
    table = "\n".join(_SUMMARY_LINE.format(report) for report in reports)
    body = _SUMMARY.format(since=since, until=until, count=len(reports), table=table)
    return _letter(f"Python audits, week of {since:%d %B %Y}", body, to, f"summary-{since}")


def invoice_letter(invoice: Invoice, *, to: list[str]) -> EmailMessage:
    return _letter(f"Invoice {invoice.number}", _INVOICE.format(invoice), to, f"invoice-{invoice.number}")


def send_once(letter: EmailMessage, receipt: Path) -> bool:
    """Sends a letter unless `receipt` exists, and leaves the receipt; False when it was sent before.

    A worker killed between the sending and the receipt sends again when its job is retried. No order of the two
    steps avoids that, but the second letter carries the Message-ID of the first, so a mailbox can drop it.
    """
    if receipt.exists():
        return False
    letter.send()
    with replacing(receipt) as scratch:
        scratch.write_text(f"{letter.extra_headers['Message-ID']}\n{', '.join(letter.to)}\n", encoding="utf-8")
    return True


def _letter(subject: str, body: str, to: list[str], identity: str) -> EmailMessage:
    return EmailMessage(subject, body, to=to, headers={"Message-ID": f"<{identity}@demo.example>"})
