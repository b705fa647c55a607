"""Taking over jobs of another store, as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model.gate import Gate
from ...model.job import StoredJob, Unique, pending_score, ready_ms_of
from ...model.states import State
from ..sql.codec import CODES, pack_gate
from .gates import Gates
from .keys import take
from .notes import add_notes, has_note
from .transaction import Transaction


def adopt(tx: Transaction, name: str, jobs: Sequence[StoredJob]) -> list[bool]:
    """See Control.adopt. Answers in the order given."""
    running = [job for job in jobs if job.state is State.RUNNING]
    if running:
        raise ValueError(f"{running[0].ref} is running: only a job that rests can be adopted")
    queue = tx.queue(name)
    if any(job.gate for job in jobs):
        tx.gates_come(name)
    offered, keyed = _new_ones(tx, queue, jobs)
    finished = [job for job in offered if job.state.is_final]
    with_key = [job for job in offered if not job.state.is_final and job.ref.raw in keyed]
    stored = _store_live(tx, queue, with_key, has_key=True)
    without = [job for job in offered if not job.state.is_final and job.ref.raw not in stored]
    stored |= _store_live(tx, queue, without, has_key=False)
    stored |= _store_finished(tx, queue, finished)
    new = [job for job in offered if job.ref.raw in stored]
    add_notes(tx, queue, new)
    timed = [job for job in new if job.unique is Unique.FOR_A_TIME and job.ref.raw in keyed]
    take(tx, queue, [(job.unique_key, job.ref.raw, job.unique_until_ms) for job in timed])
    _announce(tx, queue, name, new)
    answers = []
    for job in jobs:
        answers.append(job.ref.raw in stored)
        stored.discard(job.ref.raw)
    return answers


def _new_ones(tx: Transaction, queue: int, jobs: Sequence[StoredJob]) -> tuple[list[StoredJob], set[bytes]]:
    """Those that are not here, each once, and the ids of those of them that may have their keys."""
    once = {job.ref.raw: job for job in reversed(jobs)}
    offered = [once.pop(job.ref.raw) for job in jobs if job.ref.raw in once]
    raws, keys = [job.ref.raw for job in offered], [job.unique_key for job in offered]
    rows = tx.all("exists", queue=queue, raw=raws, unique_key=keys, oldest=tx.oldest(raws), now=tx.now_ms)
    there = {raw: (is_there, holder) for raw, is_there, holder in rows}
    new = [job for job in offered if not there[job.ref.raw][0]]
    given: dict[str, bytes] = {}
    for job in new:
        if job.holds_its_key(tx.now_ms) and there[job.ref.raw][1] is None:
            given.setdefault(job.unique_key, job.ref.raw)
    return new, set(given.values())


def _store_live(tx: Transaction, queue: int, jobs: Sequence[StoredJob], *, has_key: bool) -> set[bytes]:
    if not jobs:
        return set()
    places = {
        "run_score": [_run_score(job) if job.held_at else None for job in jobs],
        "ready_ms": [ready_ms_of(job.score) if job.state is State.PENDING else job.enqueued_ms for job in jobs],
        "held_at": [job.held_at or None for job in jobs],
    }
    return {raw for (raw,) in tx.all("adopt_live", queue=queue, has_key=has_key, **places, **_columns(jobs))}


def _store_finished(tx: Transaction, queue: int, jobs: Sequence[StoredJob]) -> set[bytes]:
    if not jobs:
        return set()
    oldest = tx.oldest([job.ref.raw for job in jobs])
    tx.days_ms.update(job.score for job in jobs)
    return {raw for (raw,) in tx.all("adopt_finished", queue=queue, oldest=oldest, **_columns(jobs))}


def _run_score(job: StoredJob) -> int:
    """Where a job stands that waits at a gate: its old place in the line is not told."""
    return pending_score(job.priority, job.enqueued_ms)


def _announce(tx: Transaction, queue: int, name: str, new: Sequence[StoredJob]) -> None:
    gates = Gates(tx, queue, name)
    for job in new:
        tx.arrived(queue, job.state)
        if job.held_at:
            gates.came(job.gate if job.gate and job.gate.name == job.held_at else Gate(job.held_at))
    gates.settle()
    if new:
        tx.queue(name, is_known=True)
        tx.ring(name)


def _columns(jobs: Sequence[StoredJob]) -> dict[str, list[Any]]:
    return {
        "raw": [job.ref.raw for job in jobs],
        "state": [CODES[job.state] for job in jobs],
        "score": [job.score for job in jobs],
        "task": [job.task for job in jobs],
        "arguments": [job.arguments for job in jobs],
        "options": [job.options for job in jobs],
        "priority": [job.priority for job in jobs],
        "max_attempts": [job.max_attempts for job in jobs],
        "enqueued_ms": [job.enqueued_ms for job in jobs],
        "unique_key": [job.unique_key for job in jobs],
        "unique_kind": [int(job.unique) for job in jobs],
        "unique_until_ms": [job.unique_until_ms for job in jobs],
        "gate": [job.gate.name if job.gate else None for job in jobs],
        "gate_packed": [pack_gate(job.gate) for job in jobs],
        "attempts": [job.attempts for job in jobs],
        "forgiven": [job.forgiven for job in jobs],
        "losses": [job.losses for job in jobs],
        "crashes": [job.crashes for job in jobs],
        "has_note": [has_note(job) for job in jobs],
        "reason": [job.reason for job in jobs],
        "result": [job.result for job in jobs],
        "error": [job.error for job in jobs],
        "lines": [_array(job.lines) for job in jobs],
    }


def _array(lines: Sequence[bytes]) -> str:
    """Byte strings as PostgreSQL writes an array of them; arrays of arrays would have to be of one length."""
    return "{" + ",".join(f'"\\\\x{line.hex()}"' for line in lines) + "}"
