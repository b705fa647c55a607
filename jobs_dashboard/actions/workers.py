"""Tell a worker to claim nothing more, or to stop."""

from __future__ import annotations

from core.errors import JobNotFound
from core.model.payload import check_text
from jobs_dashboard.bridge.wiring import current_control

from .actor import Actor, Permission
from .audit import entry, sent_again_once


def quiet(actor: Actor, worker: str, *, reason: str = "") -> None:
    """What it runs goes on; it claims nothing more. Raises JobNotFound when no such worker is known."""
    _order(actor, "quiet", worker, reason)


def stop(actor: Actor, worker: str, *, reason: str = "") -> None:
    """As if it had received SIGTERM. Raises JobNotFound when no such worker is known."""
    _order(actor, "stop", worker, reason)


def _order(actor: Actor, verb: str, worker: str, reason: str) -> None:
    check_text(reason, path="$.reason")
    with entry(actor, verb, "worker", worker, needs=Permission.ADMINISTER, reason=reason) as opened:
        known = sent_again_once(lambda: current_control().order(worker, quiet=verb == "quiet", stop=verb == "stop"))
        if not known:
            raise JobNotFound(f"no worker has the id {worker[:64]!r}")
        opened.tell(1)
