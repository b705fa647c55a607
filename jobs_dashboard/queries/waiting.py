"""Why a job does not run: said on its own page, so that nobody has to search for it."""

from __future__ import annotations

from core.explanation import MOST_COUNTED, Facts, reasons
from core.model.job import StoredJob
from core.model.states import State

from .snapshot import Snapshot
from .store import config, readers


def reasons_to_wait(held: Snapshot, job: StoredJob) -> tuple[str, ...]:
    """Sentences, the first reason first; none for a job that runs or has ended."""
    if job.state is State.RUNNING or job.state.is_final:
        return ()
    store, queue = readers(), job.ref.queue
    facts = Facts(
        job=job,
        counts=held.queue(queue),
        gate=store.gate(queue, job.held_at) if job.held_at else None,
        ahead=store.ahead(job.ref, MOST_COUNTED) if job.state is State.PENDING else None,
        workers=held.workers,
        now_ms=held.at_ms,
    )
    switched_off = () if config().enabled else ("Jobs are switched off by JOBS_ENABLED.",)
    return (*switched_off, *(reason.text for reason in reasons(facts)))
