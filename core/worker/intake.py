"""From claims to attempts that wait for a slot; what cannot be run here is settled without one."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from msgspec import MsgspecError

from ..model.job import Claim, unpack_options
from ..tasks.registry import Registry
from .attempt import Attempt
from .settlement import expired, not_isolated_here, unknown_task, unreadable
from .slots import Slots
from .tray import Tray

log = structlog.get_logger("jobs.worker")


class Intake:
    """Used by the store thread only."""

    def __init__(self, registry: Registry, slots: Slots, tray: Tray, *, can_isolate: bool) -> None:
        self._registry = registry
        self._can_isolate = can_isolate
        self._slots = slots
        self._tray = tray

    def take_in(self, queue: str, claims: Sequence[Claim]) -> None:
        """Claims of one queue, in their order."""
        self._slots.admit(queue.encode(), [attempt for claim in claims if (attempt := self._attempt(claim))])

    def _attempt(self, claim: Claim) -> Attempt | None:
        task = self._registry.get(claim.task)
        if task is None:
            self._tray.add_strange(claim.queue, unknown_task(claim))
            log.warning("unknown task, job held", job=str(claim.ref), task=claim.task)
            return None
        if task.isolated and not self._can_isolate:
            self._tray.add_strange(claim.queue, not_isolated_here(claim))
            log.warning("isolated task, no worker process here: job held", job=str(claim.ref), task=claim.task)
            return None
        try:
            options = unpack_options(claim.options)
        except MsgspecError:
            self._tray.add_strange(claim.queue, unreadable(claim))
            log.exception("unreadable options, job dead", job=str(claim.ref), task=claim.task)
            return None
        late = expired(claim, options)
        if late is not None:
            self._tray.add_strange(claim.queue, late)
            log.info("job expired, cancelled", job=str(claim.ref), task=claim.task, reason=late.reason)
            return None
        is_isolated = self._can_isolate and (task.isolated or claim.is_suspect)
        return Attempt(claim, task, options, self._slots.reserve, is_isolated=is_isolated)
