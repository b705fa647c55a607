"""Compares what was promised with what happened: producers' receipts, the ledger, the store, and the kills."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from core.model.states import State
from tests.faults.ledger import Run

ZYGOTE_S = 2.0  # within this of the death of their zygote, runs alone are settled as lost
CLOCKS_S = 0.1
SETTLE_S = 1.5  # a handler that ended this long before its process was killed must have been settled


@dataclass(frozen=True)
class Kill:
    """A process that was killed. role: worker, keeper, zygote, services, supervisor, or the failpoint it died at.

    family: isolated children that ran then; those of the victim die with it, the others come to their end.
    """

    pid: int
    role: str
    at: float
    family: frozenset[int] = frozenset()


class Loss(NamedTuple):
    """An attempt that was settled as lost. pid: the worker whose end it was, or 0: only its own process ended."""

    at: float
    pid: int = 0


@dataclass
class Verdict:
    """violations: empty when every promise was held."""

    jobs: int
    runs: int
    hits: int
    twice: int = 0
    violations: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        took = sorted(self.recoveries)
        told = f"p50 {statistics.median(took):.2f} s, max {took[-1]:.2f} s" if took else "none"
        return f"{self.jobs} jobs, {self.runs} runs, {self.hits} runs hit by a kill, recovery {told}"


def check(
    expected: Mapping[str, State],
    states: Mapping[str, State | None],
    runs: Mapping[str, Sequence[Run]],
    kills: Sequence[Kill],
    returns: Mapping[str, Mapping[int, Loss]],
    *,
    recovery_s: float,
) -> Verdict:
    """expected: the final state of every job that was acknowledged. states: what the store says at the end.

    returns: when each attempt that was lost was settled as such, so that others could run its job.
    """
    verdict = Verdict(len(expected), sum(map(len, runs.values())), 0)
    zygotes = [kill.at for kill in kills if kill.role == "zygote"]
    stops = [kill.at for kill in kills if kill.role == "stopped"]
    killed: dict[int, list[float]] = defaultdict(list)  # a process may be stopped more than once
    for kill in sorted(kills, key=lambda kill: kill.at):
        for pid in (kill.pid, *kill.family):
            killed[pid].append(kill.at)
    for job, wanted in expected.items():
        if states.get(job) is not wanted:
            verdict.violations.append(f"{job} is {states.get(job)}, not {wanted}")
        losses = returns.get(job, {})
        struck = {run.token: _struck(run, losses.get(run.attempt), killed, zygotes, stops) for run in runs.get(job, ())}
        _check_runs(verdict, job, runs.get(job, ()), struck)
        if wanted is State.COMPLETED and not any(run.ended and not run.failed for run in runs.get(job, ())):
            verdict.violations.append(f"{job} is completed, but no handler of it came to its end")
        _check_recovery(verdict, job, runs.get(job, ()), losses, struck, recovery_s)
    verdict.violations += [f"{job} ran but nobody enqueued it" for job in runs.keys() - expected.keys()]
    return verdict


def _struck(
    run: Run,
    loss: Loss | None,
    killed: Mapping[int, Sequence[float]],
    zygotes: Sequence[float],
    stops: Sequence[float],
) -> float | None:
    """When the process was killed that a run was in, or that answered for it; None for never.

    A run alone is in a child of the zygote, which its worker answers for: each of the three may be hit.
    """
    if loss is not None and not loss.pid:
        alone = [at for at in zygotes if loss.at - ZYGOTE_S <= at <= loss.at]
        return max(alone) if alone else _last(killed.get(run.pid, ()), loss.at)
    if loss is not None and run.pid not in killed and loss.pid not in killed:
        return _last(stops, loss.at)  # it ran alone, and the worker that answers for it was stopped
    pid = loss.pid if loss is not None and loss.pid in killed else run.pid
    return _last(killed.get(pid, ()), loss.at if loss is not None else math.inf)


def _last(times: Sequence[float], until: float) -> float | None:
    """The last of some times that is not after another; the store's clock may differ by a little."""
    return max((at for at in times if at <= until + CLOCKS_S), default=None)


def _check_runs(verdict: Verdict, job: str, runs: Sequence[Run], struck: Mapping[int, float | None]) -> None:
    """Each run but the last needs its reason: it failed, or its process was killed before it was settled."""
    if not runs:
        verdict.violations.append(f"{job} never ran")
    tokens = [run.token for run in runs]
    if len(set(tokens)) != len(tokens):
        verdict.violations.append(f"{job} ran twice under one token")
    for run, later in pairwise(runs):
        at = struck[run.token]
        if at is not None and (not run.ended or run.ended > at - SETTLE_S):
            verdict.hits += 1
        elif not run.failed:
            verdict.violations.append(f"{job} ran again for no reason: {run} then {later}")


def _check_recovery(
    verdict: Verdict,
    job: str,
    runs: Sequence[Run],
    losses: Mapping[int, Loss],
    struck: Mapping[int, float | None],
    recovery_s: float,
) -> None:
    """How long after the kill of its process a job was free again; only killed processes lose jobs."""
    for run in runs:
        if run.attempt not in losses:
            continue
        at = struck[run.token]
        if at is None:
            verdict.violations.append(f"{job} was taken from a process that nobody killed: {run}")
            continue
        took = losses[run.attempt].at - at
        verdict.recoveries.append(took)
        if took > recovery_s:
            verdict.violations.append(f"{job} was free again {took:.1f} s after a kill")
