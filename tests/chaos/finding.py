"""What a row of the table came to, and the sums over all of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.checker import Verdict


@dataclass
class Finding:
    """tried, held: how many of what `unit` says. violations: each promise that was not held, in words."""

    unit: str
    tried: int = 0
    held: int = 0
    figure: str = ""
    violations: list[str] = field(default_factory=list)
    jobs: int = 0
    kills: int = 0
    lost: int = 0
    twice: int = 0
    beyond: int = 0
    refused: int = 0
    recoveries: list[float] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        return self.tried > 0 and self.held == self.tried and not self.violations

    def add(self, verdict: Verdict, kills: int) -> None:
        """A campaign's."""
        self.jobs += verdict.jobs
        self.kills += kills
        self.twice += verdict.twice
        self.lost += sum(" is None" in one or " never ran" in one for one in verdict.violations)
        self.beyond += sum(" ran again " in one for one in verdict.violations)
        self.recoveries += verdict.recoveries
        self.violations += verdict.violations


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted or unsorted values; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def told(seconds: Sequence[float]) -> str:
    """Times as p50 and p99."""
    if not seconds:
        return "nothing was hit"
    return f"p50 {statistics.median(seconds):.2f} s, p99 {percentile(seconds, 0.99):.2f} s"


def totals(findings: Sequence[Finding]) -> str:
    """The closing line."""
    recoveries = [took for finding in findings for took in finding.recoveries]
    sums = {
        what: sum(getattr(finding, what) for finding in findings)
        for what in ("jobs", "kills", "lost", "twice", "beyond", "refused")
    }
    return (
        f"jobs {sums['jobs']:,}, kills {sums['kills']}, lost {sums['lost']}, accepted twice {sums['twice']}, "
        f"executions beyond the bound {sums['beyond']}, recovery {told(recoveries)}, "
        f"stale settles refused {sums['refused']}"
    )
