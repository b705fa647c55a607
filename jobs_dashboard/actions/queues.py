"""Pause, resume and purge a queue."""

from __future__ import annotations

from core.errors import InvalidInput
from core.model.payload import check_queue, check_text
from core.model.states import State
from jobs_dashboard.bridge.wiring import current_control

from .actor import Actor, Permission
from .audit import entry, sent_again_once


def pause(actor: Actor, queue: str, *, reason: str = "") -> None:
    """No claims from this queue until it is resumed; what runs goes on."""
    check_text(reason, path="$.reason")
    with entry(actor, "pause", "queue", check_queue(queue), needs=Permission.OPERATE, reason=reason) as opened:
        sent_again_once(lambda: current_control().pause(queue, reason=reason))
        opened.tell(1)


def resume(actor: Actor, queue: str, *, reason: str = "") -> None:
    check_text(reason, path="$.reason")
    with entry(actor, "resume", "queue", check_queue(queue), needs=Permission.OPERATE, reason=reason) as opened:
        sent_again_once(lambda: current_control().resume(queue))
        opened.tell(1)


def purge(actor: Actor, queue: str, state: State, *, before_ms: int = 0, reason: str = "") -> int:
    """Delete the jobs of a state (not running) that entered it before a store time, by default before now.

    Answers how many. There is no way back.
    """
    check_text(reason, path="$.reason")
    check_queue(queue)
    if state is State.RUNNING:
        raise InvalidInput("running jobs cannot be purged: cancel them", path="$.state")
    chosen = f"state:{state}"
    with entry(
        actor, "purge", "queue", queue, needs=Permission.ADMINISTER, reason=reason, filter=chosen, count=0
    ) as opened:
        gone = current_control().purge(queue, state, before_ms=before_ms)
        opened.tell(gone, f"{gone} deleted")
    return gone
