"""What running handlers leave with their jobs, kept beside the jobs. Whoever touches a note holds its job's row, so
nobody ever waits for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from ...model.job import Claim, StoredJob
from ..contract import Note
from .transaction import Transaction


def note(tx: Transaction, name: str, notes: Sequence[Note]) -> list[bytes]:
    """Keep notes of running attempts; answers the raw ids whose claims are no longer theirs."""
    queue = tx.find_queue(name)
    if queue is None or not notes:
        return [each.raw for each in notes]
    once = _merged(notes)
    rows = tx.all(
        "note", queue=queue, token=[each.token for each in once], **_columns((each.raw, each) for each in once)
    )
    kept = {(raw, token) for raw, token in rows}
    return [each.raw for each in notes if (each.raw, each.token) not in kept]


def claims_of(tx: Transaction, queue: int, name: str, rows: Sequence[tuple[Any, ...]]) -> list[Claim]:
    """Claims with their checkpoints. rows: something, the columns of a claim without its checkpoint, has_note."""
    noted = [row[1] for row in rows if row[-1]]
    found = dict(tx.all("note_checkpoints", queue=queue, raw=noted)) if noted else {}
    return [Claim(name, *(*row[1:-1], found.get(row[1], b""))) for row in rows]


def add_notes(tx: Transaction, queue: int, jobs: Iterable[StoredJob]) -> None:
    """The notes of jobs of another store that were stored here."""
    noted = [job for job in jobs if has_note(job)]
    if noted:
        tx.run("note_add", queue=queue, **_columns((job.ref.raw, job) for job in noted))


def close_notes(tx: Transaction, queue: int, raws: Sequence[bytes]) -> None:
    """Their jobs are completed: only the log stays."""
    if raws:
        tx.run("note_close", queue=queue, raw=list(raws))


def forget_notes(tx: Transaction, queue: int, raws: Iterable[bytes | None]) -> None:
    """Their jobs were deleted; None stands for one without a note."""
    noted = [raw for raw in raws if raw is not None]
    if noted:
        tx.run("note_forget", queue=queue, raw=noted)


def has_note(job: StoredJob) -> bool:
    return job.progress is not None or bool(job.checkpoint or job.log)


def _merged(notes: Sequence[Note]) -> list[Note]:
    """One note a claim: what came later takes the place of what came before."""
    once: dict[tuple[bytes, int], Note] = {}
    for each in notes:
        before = once.get((each.raw, each.token), each)
        once[each.raw, each.token] = replace(
            each,
            progress=before.progress if each.progress is None else each.progress,
            checkpoint=before.checkpoint if each.checkpoint is None else each.checkpoint,
            log=before.log if each.log is None else each.log,
        )
    return list(once.values())


def _columns(noted: Iterable[tuple[bytes, Note | StoredJob]]) -> dict[str, list[Any]]:
    pairs = list(noted)
    return {
        "raw": [raw for raw, _ in pairs],
        "progress": [of.progress for _, of in pairs],
        "checkpoint": [of.checkpoint for _, of in pairs],
        "log": [of.log for _, of in pairs],
    }
