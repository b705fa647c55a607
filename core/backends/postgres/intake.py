"""How jobs come in: from clients, as follow-ups of a settled job, and from schedules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ...model.ident import JobRef
from ...model.job import NewJob, Receipt
from ..sql.codec import STATES, pack_gate
from .keys import expire, give
from .transaction import Transaction

_JOBS: Final = 5_000  # in one statement, and
_BYTES: Final = 32 << 20


def add(tx: Transaction, jobs: Sequence[NewJob], *, ids_are_new: bool = False) -> list[Receipt]:
    """Store those that are new; answers in the order given. Queues are taken in the order of their names.

    ids_are_new: they were made for this very call, so none of them can have finished already.
    """
    receipts: dict[int, Receipt] = {}
    for name in sorted({job.queue for job in jobs}):
        places = [place for place, job in enumerate(jobs) if job.queue == name]
        answers = _add_to(tx, name, [jobs[place] for place in places], ids_are_new=ids_are_new)
        receipts.update(zip(places, answers, strict=True))
    return [receipts[place] for place in range(len(jobs))]


def _add_to(tx: Transaction, name: str, jobs: Sequence[NewJob], *, ids_are_new: bool) -> list[Receipt]:
    """A job may be looked at again: its id stands in the batch twice, or what was in its way has just gone."""
    receipts: dict[int, Receipt] = {}
    turns = 0
    while len(receipts) < len(jobs):
        turns += 1
        turn: dict[bytes, int] = {}
        for place, job in enumerate(jobs):
            if place not in receipts:
                turn.setdefault(job.raw, place)
        offered = [jobs[place] for place in turn.values()]
        stored = {raw for part in _parts(offered) for raw in _store(tx, name, part, ids_are_new=ids_are_new)}
        instead = _in_their_place(tx, name, [job for job in offered if job.raw not in stored])
        for raw, place in turn.items():
            if raw in stored:
                receipts[place] = Receipt(jobs[place].ref, created=True)
            elif raw in instead:
                receipts[place] = Receipt(instead[raw], created=False)
        left = [job for place, job in enumerate(jobs) if place not in receipts]
        _expire_keys_of(tx, name, left, is_first_turn=turns == 1)
    return [receipts[place] for place in range(len(jobs))]


def _expire_keys_of(tx: Transaction, name: str, jobs: Sequence[NewJob], *, is_first_turn: bool) -> None:
    """In the way of some jobs; aside, because it locks the rows of jobs that workers settle. What is still in the way
    afterwards is of this very transaction, and no other one sees it."""
    queue, keys = tx.queue(name), [job.unique_key for job in jobs]
    if jobs and is_first_turn:
        tx.aside(lambda other: expire(other, queue, keys))
    elif jobs:
        expire(tx, queue, keys)


def _store(tx: Transaction, name: str, jobs: Sequence[NewJob], *, ids_are_new: bool) -> set[bytes]:
    queue = tx.queue(name)
    if any(job.gate for job in jobs):
        tx.gates_come(name)
    stored = dict(
        tx.all(
            "job_add",
            queue=queue,
            now=tx.now_ms,
            raw=[job.raw for job in jobs],
            task=[job.task for job in jobs],
            arguments=[job.arguments for job in jobs],
            options=[job.options for job in jobs],
            priority=[job.priority for job in jobs],
            max_attempts=[job.max_attempts for job in jobs],
            delay_ms=[job.delay_ms for job in jobs],
            run_at_ms=[job.run_at_ms for job in jobs],
            unique_key=[job.unique_key for job in jobs],
            **_rare_columns(jobs),
        )
    )
    if stored and not ids_are_new:
        for raw, _ in tx.all("job_add_check", queue=queue, raw=list(stored), oldest=tx.oldest(stored)):
            del stored[raw]
    for raw in give(tx, queue, [job for job in jobs if job.raw in stored]):
        del stored[raw]
    for state in stored.values():
        tx.arrived(queue, STATES[state])
    if stored:
        tx.queue(name, is_known=True)
        tx.ring(name)
    return set(stored)


def _in_their_place(tx: Transaction, name: str, jobs: Sequence[NewJob]) -> dict[bytes, JobRef]:
    """The jobs that are there instead: themselves, sent before, or those that hold their unique keys."""
    if not jobs:
        return {}
    raws, keys = [job.raw for job in jobs], [job.unique_key for job in jobs]
    rows = tx.all("exists", queue=tx.queue(name), raw=raws, unique_key=keys, oldest=tx.oldest(raws), now=tx.now_ms)
    return {raw: JobRef(name, raw if is_there else holder) for raw, is_there, holder in rows if is_there or holder}


def _rare_columns(jobs: Sequence[NewJob]) -> dict[str, list[Any]]:
    """What few jobs have; no values at all when no job of a batch has any."""
    is_special = any(job.unique for job in jobs)
    is_gated = any(job.gate for job in jobs)
    return {
        "unique_kind": [int(job.unique) for job in jobs] if is_special else [],
        "unique_ms": [job.unique_ms for job in jobs] if is_special else [],
        "gate": [job.gate.name if job.gate else None for job in jobs] if is_gated else [],
        "gate_packed": [pack_gate(job.gate) for job in jobs] if is_gated else [],
    }


def _parts(jobs: Sequence[NewJob]) -> Iterator[list[NewJob]]:
    part: list[NewJob] = []
    size = 0
    for job in jobs:
        if len(part) == _JOBS or size > _BYTES:
            yield part
            part, size = [], 0
        part.append(job)
        size += len(job.arguments) + len(job.options)
    if part:
        yield part
