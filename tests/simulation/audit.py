"""What is written down at the store's door while a history runs, and the promises that it is held against."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.backends.contract import Exchange, ExchangeReply
from core.model.outcome import Charge, Outcome
from core.model.states import State
from tests.simulation.world import World

REMEMBERED_MS = 3_600_000  # how long the store keeps a reply, by its clock
Key = tuple[bytes, int]  # a job's raw id and the token of a claim


@dataclass
class Issue:
    """A claim that the store gave out."""

    worker: str
    renewed: int
    is_open: bool = True
    starts: int = 0
    has_ended: bool = False


@dataclass
class Audit:
    """violations: empty when every promise was held."""

    world: World
    lease_ms: int
    violations: list[str] = field(default_factory=list)
    issues: dict[Key, Issue] = field(default_factory=dict)
    newest: dict[bytes, int] = field(default_factory=dict)
    reasons: Counter[bytes] = field(default_factory=Counter)  # how often each job may run again
    failed: Counter[bytes] = field(default_factory=Counter)
    replies: dict[tuple[str, int], tuple[frozenset[bytes], int]] = field(default_factory=dict)
    ticks: Counter[int] = field(default_factory=Counter)
    dead: set[str] = field(default_factory=set)
    jumped_by: int = 0  # the small jump that the watch over the clock lets pass
    facts: Counter[str] = field(default_factory=Counter)
    _starts: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))

    # -- told by the link

    def exchanged(self, call: Exchange, reply: ExchangeReply) -> None:
        refused = frozenset(reply.refused)
        before = self.replies.get((call.worker, call.call))
        if before is not None:
            self.facts["calls sent again"] += 1
            if reply.now_ms - before[1] > REMEMBERED_MS:  # a jump of the clock has let it be forgotten
                self.facts["replies forgotten by a jump"] += 1
            elif before[0] != refused:
                self._say(f"call {call.call} of {call.worker} was answered in two ways")
        else:
            self.replies[call.worker, call.call] = (refused, reply.now_ms)
            for outcome in call.outcomes:
                self._settled(outcome, call.worker, is_accepted=outcome.raw not in refused)
        for claim in reply.claims:
            if (claim.raw, claim.token) not in self.issues:
                self._issued(claim.raw, claim.token, call.worker)

    def renewed(self, claims: Sequence[Key], lost: Sequence[bytes]) -> None:
        for key in claims:
            if key[0] not in lost:
                if not self.issues[key].is_open:
                    self._say(f"a lease was renewed by a claim that is over: {key[1]}")
                self.issues[key].renewed = self.world.t

    def released(self, claims: Sequence[Key]) -> None:
        for key in claims:
            if self.newest.get(key[0]) == key[1] and self.issues[key].is_open:
                self.issues[key].is_open = False
                self.facts["released"] += 1

    def ticked(self, fire_ms: int) -> None:
        self.ticks[fire_ms] += 1
        if self.ticks[fire_ms] > 1:
            self._say(f"the tick of {fire_ms} was taken twice")

    # -- told by workers

    def started(self, key: Key) -> None:
        issue = self.issues[key]
        issue.starts += 1
        self._starts[key[0]] += 1
        if issue.starts > 1:
            self._say(f"a claim was run twice: {key[1]}")
        if self._starts[key[0]] > 1 + self.reasons[key[0]]:
            self._say(f"a job was run {self._starts[key[0]]} times, for {self.reasons[key[0]]} failures and losses")

    def ended(self, key: Key) -> None:
        self.issues[key].has_ended = True

    @property
    def runs(self) -> int:
        return sum(self._starts.values())

    # -- inside

    def _issued(self, raw: bytes, token: int, worker: str) -> None:
        last = self.newest.get(raw, 0)
        if last and self.issues[raw, last].is_open:
            self._say(f"a job was claimed while another claim of it was open: {last}, {token}")
        if token <= last:
            self._say(f"a token did not grow: {last}, {token}")
        self.newest[raw] = token
        self.issues[raw, token] = Issue(worker, self.world.t)

    def _settled(self, outcome: Outcome, sender: str, *, is_accepted: bool) -> None:
        if not is_accepted:
            self.facts["settles refused"] += 1
            return
        key = (outcome.raw, outcome.token)
        issue = self.issues[key]
        if not issue.is_open or self.newest[outcome.raw] != outcome.token:
            self._say(f"a settle was accepted that came too late: token {outcome.token} of {sender}")
        issue.is_open = False
        if outcome.state is State.COMPLETED and not issue.has_ended:
            self._say(f"a job was completed and its handler had not ended: {outcome.token}")
        if outcome.charge is not Charge.RETURNED and outcome.state is not State.COMPLETED:
            self.reasons[outcome.raw] += 1
        if outcome.state is State.SCHEDULED:
            self.reasons[outcome.raw] += 1
        self.failed[outcome.raw] += outcome.state is State.FAILED
        if sender != issue.worker:
            self._check_taken(outcome, issue)

    def _check_taken(self, outcome: Outcome, issue: Issue) -> None:
        """Somebody else settled it: its process died, or its lease ran out."""
        silent = self.world.t - issue.renewed
        self.facts["taken over"] += 1
        if issue.worker not in self.dead and silent < self.lease_ms - self.jumped_by:
            self._say(f"a job was taken from {issue.worker}, which lives and renewed {silent} ms before")

    def _say(self, violation: str) -> None:
        self.violations.append(f"{self.world.t} ms: {violation}")
