"""Enqueue as an act of a person: one entry of the audit, however many jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.tasks.handle import JobHandle
from core.tasks.request import JobRequest
from jobs_dashboard.bridge.wiring import current_jobs

from .actor import Actor, Permission
from .audit import entry

_SENT_AT_ONCE = 500


def enqueue(
    actor: Actor, request: JobRequest, *, count: int = 1, made: Callable[[JobHandle[object]], None] | None = None
) -> int:
    """Store a job `count` times; `made` hears of each. Answers how many are new (a unique key may be taken)."""
    created = 0
    with entry(actor, "enqueue", "task", request.task, needs=Permission.OPERATE, count=count) as opened:
        for size in _chunks(count):
            for handle in current_jobs().enqueue_many([request] * size):
                created += handle.created is not False
                if made is not None:
                    made(handle)
        opened.tell(created, f"in queue {request.queue}")
    return created


def _chunks(count: int) -> Iterator[int]:
    while count > 0:
        size = min(count, _SENT_AT_ONCE)
        yield size
        count -= size
