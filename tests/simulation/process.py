"""A worker process and the keeper beside it, as the store sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from core.backends.contract import Exchange, ExchangeReply
from core.errors import Snooze, StoreUnavailable
from core.model.job import Claim
from core.model.outcome import Charge, Outcome, decide
from core.model.payload import unpack_data
from core.model.retry import Retry
from core.model.states import State
from core.worker.aftermath import Aftermath
from core.worker.table import Entry, Phase
from tests.simulation.audit import Audit
from tests.simulation.engine import QUEUE, SimEngine
from tests.simulation.link import Link
from tests.simulation.world import World

SLOTS, WANTED = 2, 4
AGAIN = Retry(base=0.2, jitter="full")


@dataclass
class Held:
    """A claim in the hands of a worker."""

    claim: Claim
    phase: Phase = Phase.WAITING
    is_cancelled: bool = False


@dataclass
class Worker:
    """Sends one call at a time, the same one until it is answered; runs what it got; ends by a kill or when told."""

    name: str
    world: World
    link: Link
    audit: Audit
    lease_ms: int
    acks_first: bool = False  # a planted bug
    held: dict[bytes, Held] = field(default_factory=dict)
    returning: dict[bytes, int] = field(default_factory=dict)
    tray: list[Outcome] = field(default_factory=list)
    unsent: Exchange | None = None
    calls: int = 0
    frozen_until: int = 0
    is_dead: bool = False
    is_stopping: bool = False

    def step(self) -> None:
        if self.is_dead or (self.is_stopping and not (self.held or self.returning) and self.unsent is None):
            return
        if self._is_frozen(self.step):
            return
        try:
            if self.is_stopping:
                self._give_back()
            call = self.unsent or self._next_call()
            reply = self.link.exchange(call)
        except StoreUnavailable:
            pass
        else:
            self.unsent = None
            if not self.is_dead:
                self._take_in(call, reply)
        self.world.after(self.world.between(50, 300), self.step)

    def kill(self) -> None:
        self.is_dead = True
        self.audit.dead.add(self.name)

    def lose(self, raws: Sequence[bytes]) -> None:
        """The keeper was told that these are somebody else's by now."""
        for raw in raws:
            if raw in self.held and self.held[raw].phase is not Phase.FINISHED:
                del self.held[raw]
                self.audit.facts["leases lost"] += 1

    def entries(self) -> list[Entry]:
        """What the table in shared memory says."""
        return [
            Entry(slot, one.phase, QUEUE, one.claim.raw, one.claim.token, 1, 0)
            for slot, one in enumerate(self.held.values())
        ]

    def _next_call(self) -> Exchange:
        self.calls += 1
        want = 0 if self.is_stopping else max(0, WANTED - len(self.held))
        self.unsent = Exchange(
            queue=QUEUE, worker=self.name, call=self.calls, outcomes=self.tray, want=want, lease_ms=self.lease_ms
        )
        self.tray = []
        return self.unsent

    def _take_in(self, call: Exchange, reply: ExchangeReply) -> None:
        for outcome in call.outcomes:
            self.held.pop(outcome.raw, None)
        got = {claim.raw for claim in reply.claims}
        # Refusals name jobs, not tokens: an old settle beside a new one of the same job would take its verdict along.
        self.tray = [outcome for outcome in self.tray if outcome.raw not in got]
        for claim in reply.claims:
            self.held[claim.raw] = Held(claim)
            if self.acks_first:
                self.tray.append(Outcome(raw=claim.raw, token=claim.token, state=State.COMPLETED))
        for raw in reply.asked_to_cancel:
            if raw in self.held:
                self.held[raw].is_cancelled = True
        self._fill_slots()

    def _fill_slots(self) -> None:
        busy = sum(one.phase is Phase.RUNNING for one in self.held.values())
        for one in [one for one in self.held.values() if one.phase is Phase.WAITING][: SLOTS - busy]:
            one.phase = Phase.RUNNING
            self.audit.started((one.claim.raw, one.claim.token))
            self.world.after(_arguments(one.claim)["ms"], lambda one=one: self._end(one))

    def _end(self, one: Held) -> None:
        """The handler of a claim comes to its end."""
        if self.is_dead or self._is_frozen(lambda: self._end(one)) or self.held.get(one.claim.raw) is not one:
            return
        self.audit.ended((one.claim.raw, one.claim.token))
        one.phase = Phase.FINISHED
        if not self.acks_first:
            self.tray.append(self._outcome(one))
        self._fill_slots()

    def _outcome(self, one: Held) -> Outcome:
        claim = one.claim
        error = Snooze(0.3) if self._snoozes(claim) else self._error_of(claim)
        decision = decide(
            claim,
            error,
            AGAIN,
            chance=self.world.chance.random(),
            cancel_asked=one.is_cancelled,
            now_ms=self.link.now_ms(),
        )
        outcome = Outcome(
            raw=claim.raw,
            token=claim.token,
            state=decision.state,
            charge=decision.charge,
            delay_ms=decision.delay_ms,
            reason=decision.reason,
        )
        if claim.is_suspect and outcome.charge is Charge.COUNTED:
            return replace(outcome, charge=Charge.CLEARED)
        return outcome

    def _snoozes(self, claim: Claim) -> bool:
        return bool(_arguments(claim).get("snoozes")) and self.world.happens(0.5)

    def _error_of(self, claim: Claim) -> Exception | None:
        is_failing = self.audit.failed[claim.raw] < _arguments(claim).get("fails", 0)
        return RuntimeError("it fails") if is_failing else None

    def _give_back(self) -> None:
        """Out of reach of the slots first: the reply may be lost, and then others have them already."""
        for one in self.held.values():
            if one.phase is Phase.WAITING:
                self.returning[one.claim.raw] = one.claim.token
        for raw in self.returning:
            self.held.pop(raw, None)
        if self.returning:
            self.link.release(QUEUE, list(self.returning.items()))
            self.returning.clear()

    def _is_frozen(self, then) -> bool:
        if self.world.t < self.frozen_until:
            self.world.after(self.frozen_until - self.world.t + self.world.between(0, 20), then)
            return True
        return False


@dataclass
class Keeper:
    """Renews for a worker that runs, and sees to what it held when it died."""

    worker: Worker
    world: World
    link: Link
    engine: SimEngine
    is_dead: bool = False
    _aftermath: Aftermath | None = None

    def turn(self) -> None:
        worker, world = self.worker, self.world
        if self.is_dead or (worker.is_stopping and not worker.held and not worker.is_dead):
            return
        if worker.is_dead:
            self._bury()
            return
        wait = worker.lease_ms // 4
        if world.t >= worker.frozen_until and worker.held:
            claims = [(one.claim.raw, one.claim.token) for one in worker.held.values()]
            try:
                worker.lose(self.link.renew(QUEUE, claims, worker.lease_ms))
            except StoreUnavailable:
                wait = 100
        world.after(wait, self.turn)

    def _bury(self) -> None:
        self._aftermath = self._aftermath or Aftermath(self.engine, name=f"keeper of {self.worker.name}")
        try:
            self._aftermath.see_to(
                self.worker.entries(), cause="killed", worker=self.worker.name, was_told=False, now=0
            )
        except StoreUnavailable:
            self.world.after(100, self._bury)


def _arguments(claim: Claim) -> dict[str, int]:
    found = unpack_data(claim.arguments)
    return found or {"ms": 5}
