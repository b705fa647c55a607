"""Why a job that is ready does not run: said on its own page, so that nobody has to search for it."""

from __future__ import annotations

from .snapshot import Snapshot, serves
from .store import config


def reason_to_wait(held: Snapshot, queue: str) -> str:
    """What keeps the pending jobs of a queue, as a sentence without its full stop; empty before a queue is counted."""
    counted = held.queue(queue)
    if counted is None:
        return ""
    if not config().enabled:
        return "jobs are switched off by JOBS_ENABLED"
    if counted.is_paused:
        return f"its queue is paused: {counted.paused_reason}" if counted.paused_reason else "its queue is paused"
    if not held.live_workers:
        return "no worker runs"
    serving = [worker for worker in held.live_workers if serves(worker, queue)]
    if not serving:
        return "no worker takes jobs from its queue"
    if all(len(worker.running) >= worker.slots for worker in serving):
        return "every slot that may take it is busy"
    return "a free worker takes it at its turn"
