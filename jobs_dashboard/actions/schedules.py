"""Switch a schedule on or off, and run it now."""

from __future__ import annotations

from core.model.ident import JobRef
from core.model.payload import check_text
from core.model.schedule import StoredSchedule
from jobs_dashboard.bridge.schedules import remember_schedule
from jobs_dashboard.bridge.wiring import current_control

from .actor import Actor, Permission
from .audit import entry, sent_again_once


def switch(actor: Actor, key: str, *, enabled: bool, reason: str = "") -> StoredSchedule:
    """Enable or disable; enabling counts from now, what was missed stays missed. Raises JobNotFound."""
    check_text(reason, path="$.reason")
    verb = "enable" if enabled else "disable"
    with entry(actor, verb, "schedule", key, needs=Permission.OPERATE, reason=reason) as opened:
        stored = sent_again_once(lambda: current_control().switch(key, enabled=enabled))
        remember_schedule(stored)
        opened.tell(1)
    return stored


def run_now(actor: Actor, key: str, *, reason: str = "") -> JobRef:
    """One job of a schedule, at once and beside its ticks; answers its id. Raises JobNotFound."""
    check_text(reason, path="$.reason")
    with entry(actor, "run now", "schedule", key, needs=Permission.OPERATE, reason=reason) as opened:
        ref = sent_again_once(lambda: current_control().run_now(key, operation=opened.operation))
        opened.tell(1, f"as {ref}")
    return ref
