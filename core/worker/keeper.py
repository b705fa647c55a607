"""The keeper: renews the leases of living worker processes, speaks for them, and sees to the claims of dead ones.

It shares no interpreter with handlers, so nothing that a handler does can starve it.
"""

from __future__ import annotations

import os
import signal
import socket
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import structlog

from ..errors import StoreUnavailable
from ..model.clock import as_ms
from ..model.ident import JobRef
from ..model.partition import Partitions
from ..model.worker import WorkerInfo
from .aftermath import Aftermath
from .engine import Engine
from .exits import CUT_SHORT, cause_of
from .liveness import Vital, memory_of, vital_of
from .table import Entry, Identity, Orders, Phase, Region, Status
from .timeouts import RECYCLE_S

BEAT_EVERY_S: Final = 1.0
RENEWALS_PER_LEASE: Final = 4
RENEWED_AT_ONCE: Final = 500
MERCY_S: Final = 5.0  # after a process should have ended itself for a stuck handler
SHOWN_RUNNING: Final = 100
RETRY_S: Final = 0.5

log = structlog.get_logger("jobs.keeper")


class Keeper:
    """`turn` does what is due and is called every tenth of a second or so. Times are the host's monotonic clock.

    can_kill: whether the workers are processes of their own, which can run isolated tasks too.
    """

    def __init__(
        self,
        engine: Engine,
        regions: Sequence[Region],
        *,
        queues: tuple[str, ...],
        slots: int,
        label: str = "",
        can_kill: bool = True,
    ) -> None:
        self._engine = engine
        self._regions = regions
        self._queues = Partitions(engine.config.partitions).of_all(queues)
        self._slots = slots
        self._label = label
        self._can_kill = can_kill
        self._host = socket.gethostname()
        self._lease_s = engine.config.lease.total_seconds()
        self._aftermath = Aftermath(engine, name=uuid.uuid4().hex)
        self._renew_at = 0.0
        self._beat_at = 0.0
        self._outage = False
        self.is_orphaned = False  # no supervisor tells of deaths any more

    def turn(self, now: float) -> None:
        """Renew, beat and clean up as far as due; an unreachable store only postpones."""
        try:
            self._end_stuck(now)
            if now >= self._renew_at:  # the living first: the dead can wait, a lease cannot
                self._renew_at = now + RETRY_S
                self._renew()
                self._renew_at = now + self._lease_s / RENEWALS_PER_LEASE
            self._see_to_dead(now)
            if now >= self._beat_at:
                self._beat_at = now + BEAT_EVERY_S
                self._beat()
                if self._outage:  # with nothing to renew, the beat is the first call that shows it
                    self._outage = False
                    log.info("store answers again, leases are renewed")
        except StoreUnavailable as error:
            if not self._outage:
                log.warning("store unavailable, leases are not renewed", error=str(error))
            self._outage = True

    def living(self) -> list[tuple[Region, Identity]]:
        """The workers that have announced themselves and whose processes have not ended."""
        found = []
        for region in self._regions:
            identity = region.identity()
            if region.status is Status.TAKEN and identity is not None:
                if vital_of(identity.pid, identity.birth) is not Vital.GONE:
                    found.append((region, identity))
                elif self.is_orphaned:
                    region.bury(0)
        return found

    def _renew(self) -> None:
        for region, identity in self.living():
            if vital_of(identity.pid, identity.birth) is not Vital.RUNNING:
                continue  # a stopped process may never go on: its leases run out
            by_queue: dict[str, list[Entry]] = defaultdict(list)
            for entry in region.claims():
                by_queue[entry.queue].append(entry)
            for queue, entries in by_queue.items():
                for start in range(0, len(entries), RENEWED_AT_ONCE):
                    self._renew_some(region, queue, entries[start : start + RENEWED_AT_ONCE])

    def _renew_some(self, region: Region, queue: str, entries: Sequence[Entry]) -> None:
        lost = self._renewed(queue, entries)
        # Settled in between, or read half written: what is really lost is still there and refused again.
        doubtful = [entry for entry in entries if entry.raw in lost and region.holds(entry)]
        doubtful = [entry for entry in doubtful if entry.phase in (Phase.WAITING, Phase.RUNNING, Phase.WRITTEN_OFF)]
        if doubtful:
            lost = self._renewed(queue, doubtful)
            for entry in doubtful:
                if entry.raw in lost and region.holds(entry):
                    region.notify(entry.slot, entry.token)

    def _renewed(self, queue: str, entries: Sequence[Entry]) -> set[bytes]:
        claims = [(entry.raw, entry.token) for entry in entries]
        return set(self._engine.backend.renew(queue, claims, as_ms(self._engine.config.lease)))

    def _beat(self) -> None:
        for region, identity in self.living():
            if vital_of(identity.pid, identity.birth) is not Vital.RUNNING:
                continue
            orders = self._engine.backend.beat(self._info(region, identity))
            wanted = (Orders.QUIET if orders.quiet else Orders.NONE) | (Orders.STOP if orders.stop else Orders.NONE)
            region.order(wanted)

    def _info(self, region: Region, identity: Identity) -> WorkerInfo:
        running = [entry for entry in region.claims() if entry.phase in (Phase.RUNNING, Phase.WRITTEN_OFF)]
        return WorkerInfo(
            id=identity.id,
            label=self._label,
            host=self._host,
            pid=identity.pid,
            queues=self._queues,
            tasks=tuple(task.name for task in self._engine.registry.tasks() if self._can_kill or not task.isolated),
            slots=self._slots,
            running=tuple(str(JobRef(entry.queue, entry.raw)) for entry in running[:SHOWN_RUNNING]),
            started_ms=identity.started_ms,
            memory_bytes=memory_of(identity.pid),
            version=self._engine.config.code_version,
            quiet=identity.is_quiet,
        )

    def _see_to_dead(self, now: float) -> None:
        self.living()  # an orphaned keeper notices deaths there
        for region in self._regions:
            if region.status is not Status.DEAD:
                continue
            identity = region.identity()
            if identity is not None:
                self._bury(region, identity, now)
            region.free()

    def _bury(self, region: Region, identity: Identity, now: float) -> None:
        """See to the claims of a process that ended. Raises StoreUnavailable: it is tried again."""
        ended = region.ended
        place = f"{self._host}:{identity.pid}"
        try:
            self._aftermath.see_to(
                region.claims(),
                cause=f"its worker was {cause_of(ended)}",
                worker=f"{self._label}@{place}" if self._label else place,
                was_told=region.has_said_farewell and os.waitstatus_to_exitcode(ended) == CUT_SHORT,
                now=int(now * 1000),
            )
            self._engine.backend.forget(identity.id)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("the claims of a dead worker could not be seen to; their leases run out", pid=identity.pid)

    def close(self) -> None:
        """Leave nothing of its own behind in the store."""
        self._aftermath.close()

    def _end_stuck(self, now: float) -> None:
        """Kill a process that should have ended itself for a handler past its timeout, and cannot."""
        if not self._can_kill:
            return
        limit = int((now - RECYCLE_S - MERCY_S) * 1000)
        for region, identity in self.living():
            stuck = [
                entry for entry in region.claims() if 0 < entry.deadline < limit and entry.phase is not Phase.FINISHED
            ]
            if stuck and vital_of(identity.pid, identity.birth) is Vital.RUNNING:
                log.error("worker ended for a handler that does not stop", pid=identity.pid, jobs=len(stuck))
                os.kill(identity.pid, signal.SIGKILL)

    def kill_living(self) -> None:
        """End what is left: the supervisor is gone and the grace period is over."""
        for _, identity in self.living():
            os.kill(identity.pid, signal.SIGKILL)
