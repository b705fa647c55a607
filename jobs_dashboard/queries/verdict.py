"""Is it well? One line and the problems behind it; what /healthz and the overview both say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone

from core.model.states import State

from .outbox import LATE_S
from .snapshot import Snapshot, serves
from .store import Counted, config


class Level(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, as a sentence without its full stop, and the page to look at."""

    text: str
    page: str  # the name of a page: "queue", "jobs", "workers"
    of: str = ""  # which queue, or which state


@dataclass(frozen=True)
class Verdict:
    problems: tuple[Problem, ...]
    summary: str

    @property
    def level(self) -> Level:
        return Level.DEGRADED if self.problems else Level.HEALTHY

    @property
    def headline(self) -> str:
        count = len(self.problems)
        return self.summary if not count else "1 problem" if count == 1 else f"{count} problems"


def verdict_of(held: Snapshot) -> Verdict:
    """Judge a snapshot by the thresholds of the configuration."""
    problems = [*_of_workers(held), *_of_queues(held), *_of_counts(held), *_of_outbox(held)]
    return Verdict(tuple(problems), _summary(held))


def _of_workers(held: Snapshot) -> list[Problem]:
    if _takes_jobs(held) or not config().enabled:
        return []
    waiting = held.total(State.PENDING)
    told = "every worker is quiet and takes no jobs" if held.live_workers else "no worker runs"
    return [Problem(f"{waiting:,} jobs wait and {told}" if waiting > 1 else told, "workers")]


def _takes_jobs(held: Snapshot) -> bool:
    return not all(worker.quiet for worker in held.live_workers)


def _of_queues(held: Snapshot) -> list[Problem]:
    found = [(queue.queue, _of_queue(held, queue)) for queue in held.queues]
    return [Problem(f"queue {name} {told}", "queue", name) for name, told in found if told]


def _of_queue(held: Snapshot, queue: Counted) -> str:
    """What is wrong with a queue; empty when nothing is."""
    waiting = queue.states.get(State.PENDING, 0)
    if queue.is_paused and waiting:
        return f"is paused with {waiting:,} waiting"
    if waiting and _takes_jobs(held) and not any(serves(worker, queue.queue) for worker in held.live_workers):
        return f"has {waiting:,} waiting and no workers"
    waits_ms = held.at_ms - queue.oldest_pending_ms
    if queue.oldest_pending_ms and waits_ms > config().health_oldest_degraded.total_seconds() * 1000:
        return f"keeps a job waiting for {waits_ms // 60_000} min"
    return ""


def _of_counts(held: Snapshot) -> list[Problem]:
    problems = []
    pending, dead = held.total(State.PENDING), held.total(State.DEAD)
    awaited = sorted({task for queue in held.queues for task in queue.awaited})
    if awaited:  # jobs held by a limit are where they should be
        told = f"{awaited[0]} and {len(awaited) - 1} more tasks" if len(awaited) > 1 else f"the task {awaited[0]}"
        problems.append(Problem(f"jobs are held until a worker knows {told}", "jobs", State.HELD))
    if pending >= config().health_pending_degraded:
        problems.append(Problem(f"{pending:,} jobs are pending", "jobs", State.PENDING))
    if dead >= config().health_dead_degraded:
        problems.append(Problem(f"{dead:,} jobs are in the dead letters", "jobs", State.DEAD))
    return problems


def _of_outbox(held: Snapshot) -> list[Problem]:
    problems = []
    late_s = held.outbox.lag_s(timezone.now())
    if late_s > LATE_S:
        since = f"{late_s // 60} min" if late_s < 7200 else f"{late_s // 3600} h"
        problems.append(Problem(f"{held.outbox.waiting:,} jobs lie in the outbox, for {since}", "workers"))
    if held.outbox.refused:
        problems.append(Problem(f"{held.outbox.refused:,} in the outbox were refused by the store", "workers"))
    return problems


def _summary(held: Snapshot) -> str:
    workers = len(held.live_workers)
    if not workers:
        return "Jobs are switched off"
    slots = sum(worker.slots for worker in held.live_workers)
    running = held.total(State.RUNNING)
    told = f"All well: {workers} worker{'s' if workers > 1 else ''}, {running} of {slots} slots busy"
    oldest = [queue.oldest_pending_ms for queue in held.queues if queue.oldest_pending_ms]
    if not oldest:
        return told + ", nothing waits"
    return told + f", the longest wait is {max(0, held.at_ms - min(oldest)) // 1000} s"
