"""Move the jobs of one store to another."""

from __future__ import annotations

from core.backends.contract import Backend
from core.move import Moved, Progress, move
from core.worker.engine import Engine

from .actor import Actor, Permission
from .audit import entry


def move_store(actor: Actor, source: Engine, target: Backend, *, wait_s: float, progress: Progress) -> Moved:
    """See core.move.move; stands in the audit once, however many jobs it moves."""
    chosen = f"from:{source.backend.url} to:{target.url}"
    with entry(actor, "move", "store", source.backend.url, needs=Permission.ADMINISTER, filter=chosen) as opened:
        moved = move(source, target, wait_s=wait_s, progress=progress)
        opened.tell(1, f"{moved.jobs.total()} jobs and {moved.schedules} schedules moved, {moved.left} left")
    return moved
