"""One history: a seed, the parties, their faults, and what is to be true at its end."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from core.backends.memory.backend import MemoryBackend
from core.errors import StoreUnavailable
from core.model.job import NewJob
from core.model.payload import pack_arguments
from core.model.states import State, Verb
from core.worker.janitor import Janitor
from core.worker.scheduler import Scheduler
from tests.simulation import bugs
from tests.simulation.audit import Audit
from tests.simulation.engine import LEASE_MS, QUEUE, SimEngine
from tests.simulation.link import Link
from tests.simulation.process import Keeper, Worker
from tests.simulation.world import World

TROUBLE_MS, CALM_MS = 10_000, 30_000
ORDERS, WORKERS = 20, 3
TWO_DAYS_MS = 2 * 86_400_000


@dataclass
class Outcome:
    """What a history came to. digest: equal for equal histories."""

    seed: int
    violations: list[str]
    facts: dict[str, int]
    digest: int


@dataclass
class History:
    """bug: one of bugs.BUGS, or nothing."""

    seed: int
    bug: str = ""
    workers: list[tuple[Worker, Keeper]] = field(default_factory=list)
    orders: dict[bytes, set[State]] = field(default_factory=dict)  # by the id that was acknowledged
    born: int = 0

    def __post_init__(self) -> None:
        self.world = World(self.seed)
        self.audit = Audit(self.world, LEASE_MS)
        self.store = bugs.STORES.get(self.bug, MemoryBackend)(clock=self.world)

    def run(self) -> Outcome:
        with structlog.testing.capture_logs():
            self._begin()
            self.world.pass_by(TROUBLE_MS)
            self._calm_down()
            for _ in range(CALM_MS // 1000):
                self.world.pass_by(1000)
                if self._is_over():
                    break
        self._check_end()
        facts = self.audit.facts
        facts["jobs"] += len(self.orders) + sum(self.audit.ticks.values())
        facts["runs"] += self.audit.runs
        told = (self.world.t, sorted(facts.items()), sorted(self.audit.newest.items()), self.audit.violations)
        return Outcome(self.seed, self.audit.violations, dict(facts), zlib.crc32(str(told).encode()))

    # -- the parties

    def _begin(self) -> None:
        for _ in range(WORKERS):
            self._hire()
        for number in range(2):
            self._start_janitor(number)
            self._start_scheduler()
        for _ in range(ORDERS):
            self.world.after(self.world.between(0, TROUBLE_MS * 3 // 4), self._order)
        for fault, most in ((self._kill, 4), (self._freeze, 3), (self._cut, 3), (self._stop, 2), (self._jump, 1)):
            for _ in range(self.world.between(0, most)):
                self.world.after(self.world.between(200, TROUBLE_MS), lambda fault=fault: self._befall(fault))
        self.world.after(self.world.between(1000, TROUBLE_MS), self._cancel)

    def _link(self, dawdles: int = 0) -> Link:
        return Link(self.world, self.store, self.audit, dawdles=dawdles)

    def _hire(self) -> None:
        self.born += 1
        link = self._link()
        name = f"worker {self.born}"
        worker = Worker(name, self.world, link, self.audit, LEASE_MS, acks_first=self.bug == bugs.ACK_FIRST)
        keeper = Keeper(worker, self.world, link, SimEngine(link))
        self.workers.append((worker, keeper))
        self.world.after(self.world.between(0, 300), worker.step)
        self.world.after(self.world.between(0, 300), keeper.turn)

    def _start_janitor(self, number: int) -> None:
        janitor = Janitor(SimEngine(self._link(dawdles=LEASE_MS // 3)))
        janitor._aftermath._name = f"janitor {number}"  # its own is made anew each time, which is no history to repeat
        due = [0.0] * len(janitor._rounds)

        def turn() -> None:
            self._try(lambda: janitor._make_rounds(due, self.world.t / 1000))
            self.world.after(LEASE_MS // 4 + self.world.between(0, 50), turn)

        self.world.after(1, turn)

    def _start_scheduler(self) -> None:
        scheduler = Scheduler(SimEngine(self._link(dawdles=1_500)))

        def turn() -> None:
            if not self.world.is_calm:
                self._try(scheduler.take_ticks)
                self.world.after(self.world.between(20, 400), turn)

        self.store.open()
        Scheduler(SimEngine(self.store)).declare()  # type: ignore[arg-type]
        self.world.after(1, turn)

    def _order(self) -> None:
        """A producer sends until it is answered."""
        chance = self.world.chance
        arguments = {
            "ms": chance.choice([5, 50, 300, 1_000, 3_000]),
            "fails": chance.choices([0, 1, 3, 9], [70, 10, 15, 5])[0],
            "snoozes": chance.choices([0, 1], [90, 10])[0],
        }
        made = NewJob(
            queue=QUEUE,
            raw=chance.randbytes(14),
            task="work",
            arguments=pack_arguments(arguments),
            delay_ms=chance.choices([0, 400], [80, 20])[0],
        )
        self._send(made, {State.DEAD} if arguments["fails"] == 9 else {State.COMPLETED}, self._link())

    def _send(self, job: NewJob, wanted: set[State], link: Link) -> None:
        try:
            [receipt] = link.enqueue([job])
        except StoreUnavailable:
            if self.bug == bugs.NEW_ID:
                job = NewJob(queue=QUEUE, raw=self.world.chance.randbytes(14), task="work", arguments=job.arguments)
            self.world.after(self.world.between(50, 300), lambda: self._send(job, wanted, link))
        else:
            self.orders[receipt.ref.raw] = wanted

    # -- the faults

    def _living(self) -> list[tuple[Worker, Keeper]]:
        return [(worker, keeper) for worker, keeper in self.workers if not worker.is_dead and not worker.is_stopping]

    def _befall(self, fault: Callable[[], None]) -> None:
        if self._living():
            fault()

    def _kill(self) -> None:
        worker, keeper = self.world.chance.choice(self._living())
        worker.kill()
        self.audit.facts["kills"] += 1
        keeper.is_dead = self.world.chance.random() < 0.4  # the whole host
        self.world.after(self.world.between(50, 500), self._hire)

    def _freeze(self) -> None:
        worker, _ = self.world.chance.choice(self._living())
        worker.frozen_until = self.world.t + self.world.between(100, 3 * LEASE_MS)
        self.audit.facts["stopped"] += 1

    def _cut(self) -> None:
        worker, _ = self.world.chance.choice(self._living())
        worker.link.cut_until = self.world.t + self.world.between(100, 3 * LEASE_MS)
        self.audit.facts["links cut"] += 1

    def _stop(self) -> None:
        worker, _ = self.world.chance.choice(self._living())
        worker.is_stopping = True
        self._hire()

    def _jump(self) -> None:
        by = self.world.chance.choice([-86_400_000, -3_600_000, -300, 300, 900, 3_600_000, 86_400_000])
        self.world.offset += by
        self.audit.jumped_by = by if 0 < by < LEASE_MS else 0
        self.audit.facts["clock jumps"] += 1

    def _cancel(self) -> None:
        known = sorted(self.orders)
        if known:
            raw = self.world.chance.choice(known)
            self.orders[raw] |= {State.CANCELLED}
            self.store.act(Verb.CANCEL, QUEUE, [raw], "cancel")

    # -- the end

    def _calm_down(self) -> None:
        self.world.is_calm = True
        for worker, _ in self.workers:
            worker.frozen_until = worker.link.cut_until = self.world.t
        if self.world.offset:
            self.audit.jumped_by = 0
            self.world.offset += TWO_DAYS_MS  # whatever was put off by a clock that jumped comes due

    def _is_over(self) -> bool:
        return all(state.is_final or not n for counts in self.store.counts() for state, n in counts.states.items())

    def _check_end(self) -> None:
        say = self.audit.violations.append
        records = self.store._queue(QUEUE).records
        for raw, wanted in self.orders.items():
            state = records[raw].state if raw in records else None
            if state not in wanted:
                say(f"at the end a job is {state}, not {sorted(wanted)}")
        made = sum(record.new.task == "work" for record in records.values())
        if made != len(self.orders):
            say(f"{len(self.orders)} orders made {made} jobs")
        if len(records) - made != sum(self.audit.ticks.values()):
            say(f"{sum(self.audit.ticks.values())} ticks made {len(records) - made} jobs")

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StoreUnavailable:
            pass


def simulate(seed: int, bug: str = "") -> Outcome:
    return History(seed, bug).run()
