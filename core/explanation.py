"""Why a job is not running: read from its store at one moment, said in sentences, the first reason first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .backends.contract import Backend, QueueCounts
from .errors import JobNotFound
from .model.gate import GateInfo, limited, task_of_gate
from .model.ident import JobRef
from .model.job import StoredJob, unpack_options
from .model.states import State
from .model.worker import WorkerInfo

MOST_COUNTED: Final = 10_000  # jobs ahead of it; beyond that nobody reads the number
FRESH_MS: Final = 15_000  # a worker that beat within this is alive


class Because(StrEnum):
    """Kinds of reasons, for those who show them with a link or a button."""

    PAUSED = "paused"
    NO_WORKER = "no worker"
    UNKNOWN_TASK = "unknown task"
    LIMIT = "limit"
    RATE = "rate"
    HELD = "held"
    DUE = "due"
    AHEAD = "ahead"
    NEXT = "next"
    BUSY = "busy"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. at_ms: the store's time that it speaks of, 0 when it speaks of none."""

    kind: Because
    text: str
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store said about a job, its queue, its gate and the workers."""

    job: StoredJob
    counts: QueueCounts | None
    gate: GateInfo | None
    ahead: int | None
    workers: Sequence[WorkerInfo]
    now_ms: int

    @property
    def knowing(self) -> list[WorkerInfo]:
        """Workers that claim from its queue and know its task."""
        return [info for info in self.serving if self.job.task in info.tasks]

    @property
    def serving(self) -> list[WorkerInfo]:
        """Living workers that claim from its queue."""
        alive = (info for info in self.workers if info.role == "worker" and info.beat_ms >= self.now_ms - FRESH_MS)
        return [info for info in alive if not info.quiet and (not info.queues or self.job.ref.queue in info.queues)]


def explain(backend: Backend, ref: JobRef) -> tuple[Reason, ...]:
    """Why a job is not running, or that it is. Raises JobNotFound."""
    [job] = backend.get([ref])
    if job is None:
        raise JobNotFound(f"no job has the id {ref}")
    facts = Facts(
        job=job,
        counts=next((counts for counts in backend.counts() if counts.queue == ref.queue), None),
        gate=backend.gate(ref.queue, job.held_at) if job.held_at else None,
        ahead=backend.ahead(ref, MOST_COUNTED) if job.state is State.PENDING else None,
        workers=backend.workers(),
        now_ms=backend.now_ms(),
    )
    return tuple(reasons(facts))


def reasons(facts: Facts) -> Iterator[Reason]:
    """The sentences: what its state waits for, then what will keep it from running once that has come."""
    job = facts.job
    if job.state is State.RUNNING:
        yield Reason(Because.RUNNING, f"It is running, in attempt {job.attempts}.", job.claimed_ms)
        return
    if job.state.is_final:
        told = f": {job.reason}" if job.reason else ""
        yield Reason(Because.ENDED, f"It is {job.state.value}{told}.", job.finished_ms)
        return
    if job.state in (State.SCHEDULED, State.FAILED):
        yield _due(facts)
    elif job.state is State.HELD:
        yield _held(facts)
    if facts.counts is not None and facts.counts.is_paused:
        told = f" ({facts.counts.paused_reason})" if facts.counts.paused_reason else ""
        yield Reason(Because.PAUSED, f"Its queue {job.ref.queue} is paused{told}.", facts.counts.paused_ms)
    yield from _unserved(facts)
    if job.state is State.PENDING:
        yield _in_line(facts)
        yield from _busy(facts)
    yield from _expiry(facts)


def _due(facts: Facts) -> Reason:
    job = facts.job
    left_s = max(0, job.due_ms - facts.now_ms) / 1000
    what = "It is scheduled" if job.state is State.SCHEDULED else f"Attempt {job.attempts} failed; its retry is due"
    return Reason(Because.DUE, f"{what} in {_span(left_s)}." if left_s else "It is due now.", job.due_ms)


def _held(facts: Facts) -> Reason:
    job, gate = facts.job, facts.gate
    task = task_of_gate(job.held_at)
    if task:
        return Reason(Because.UNKNOWN_TASK, f"No worker that claimed it knows the task {task}.", job.score)
    if gate is None:
        return Reason(Because.HELD, f"It is held{': ' + job.reason if job.reason else ''}.", job.score)
    count, what = gate.waiting - 1, limited(gate.gate.name)
    others = "nobody else waits" if not count else "1 other waits too" if count == 1 else f"{count:,} others wait too"
    if gate.gate.limit and gate.used >= gate.gate.limit:
        told = f"The limit of {what} is reached: {gate.used:,} of {gate.gate.limit:,} slots taken; {others}."
        return Reason(Because.LIMIT, told, job.score)
    told = f"The rate of {what} lets one start every {gate.gate.interval_us / 1e6:g} s; {others}."
    return Reason(Because.RATE, told, gate.next_ms)


def _unserved(facts: Facts) -> Iterator[Reason]:
    job = facts.job
    if not facts.serving:
        yield Reason(Because.NO_WORKER, f"No living worker claims from the queue {job.ref.queue}.")
    elif not facts.knowing:
        told = f"{len(facts.serving)} workers claim from the queue {job.ref.queue}, none knows the task {job.task}."
        yield Reason(Because.UNKNOWN_TASK, told)


def _in_line(facts: Facts) -> Reason:
    if not facts.ahead:
        return Reason(Because.NEXT, "It is the next to be claimed.")
    count = f"{facts.ahead:,}" if facts.ahead < MOST_COUNTED else f"{MOST_COUNTED:,} or more"
    return Reason(Because.AHEAD, f"{count} jobs of its queue come before it.")


def _busy(facts: Facts) -> Iterator[Reason]:
    knowing = facts.knowing
    if knowing and all(len(info.running) >= info.slots for info in knowing):
        yield Reason(Because.BUSY, "Every slot that may take it is busy.")


def _expiry(facts: Facts) -> Iterator[Reason]:
    deadline_ms = unpack_options(facts.job.options).deadline_ms(facts.job.enqueued_ms)
    if deadline_ms:
        left_s = (deadline_ms - facts.now_ms) / 1000
        told = (
            f"It expires in {_span(left_s)}." if left_s > 0 else "It has expired: when its turn comes it is cancelled."
        )
        yield Reason(Because.DUE, told, deadline_ms)


def _span(seconds: float) -> str:
    """A time in the largest unit that still says it well."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"
