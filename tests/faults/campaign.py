"""Jobs by the thousand while processes are killed, and what the checker says of it; of any size."""

import os
import random
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from core.app import Jobs
from core.model.snapshot import JobSnapshot
from core.model.states import State
from tests.faults import ledger
from tests.faults.application import deaths_of
from tests.faults.checker import Kill, Loss, Verdict, check
from tests.faults.failpoints import read_deaths
from tests.faults.fleet import Fleet, children, wait_until

SEED = "JOBS_FAULTS_SEED"
TARGETS = {"jobs-worker": 10, "jobs-keeper": 3, "jobs-zygote": 2, "jobs-services": 2, "supervisor": 3}
GOT_AT_ONCE = 200


def new_seed() -> int:
    """The one that was asked for, or a new one; printed, so that a failure can be replayed."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 32))
    print(f"{SEED}={seed}")
    return seed


@dataclass
class Campaign:
    """What producers were told, and who was killed."""

    fleet: Fleet
    jobs: Jobs
    chance: random.Random
    lease_s: float
    expected: dict[str, State] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)

    def run(self, jobs: int, kills: int) -> None:
        """As many jobs in as many portions as there are kills, each kill after its portion."""
        for number, target in enumerate(self._targets(kills)):
            self.enqueue((number + 1) * jobs // kills - number * jobs // kills)
            time.sleep(self.chance.uniform(0.05, 0.5))
            self.kill(target)

    def enqueue(self, count: int) -> None:
        requests, wanted = [], []
        for _ in range(count):
            name = self.chance.choices(["nap", "anap", "flaky", "broken"], [60, 25, 10, 5])[0]
            seconds = self.chance.choice([0.0, 0.005, 0.02, 0.05, 0.1, 0.3])
            arguments = {} if name == "broken" else {"seconds": seconds}
            requests.append(self.jobs.client.request(name, arguments))
            wanted.append(State.DEAD if name == "broken" else State.COMPLETED)
        handles = self.jobs.enqueue_many(requests)
        self.expected |= {handle.id: state for handle, state in zip(handles, wanted, strict=True)}

    def kill(self, target: str) -> None:
        supervisor = self.fleet.processes[-1]
        if target == "supervisor":
            self._strike(supervisor.pid, target)
            supervisor.wait()
            self.fleet.start()
            return
        wait_until(lambda: children(supervisor.pid, target), seconds=20, what=f"a living {target}")
        victims = children(supervisor.pid, target)
        if target == "jobs-worker" and self.chance.random() < 0.7:  # the others may be killed while they start, or idle
            victims = self._busy_ones(supervisor.pid) or victims
        self._strike(self.chance.choice(sorted(victims)), target.removeprefix("jobs-"))

    def settle_down(self, seconds: float) -> None:
        wait_until(self._is_over, seconds=seconds, what="every job in a final state")

    def verdict(self) -> Verdict:
        """To be asked for once everything is over."""
        found = dict(self._snapshots())
        states = {id: None if job is None else job.state for id, job in found.items()}
        returns = {id: returns_of(job) for id, job in found.items() if job is not None}
        runs = ledger.read(self.fleet.ledger)
        verdict = check(self.expected, states, runs, self.kills, returns, recovery_s=self.lease_s + 10)
        completed = sum(state is State.COMPLETED for state in self.expected.values())
        accepted = sum(counts.processed - counts.failures for counts in self.jobs.stats())
        verdict.twice = max(0, accepted - completed)
        if accepted != completed:
            verdict.violations.append(f"{completed} jobs are completed, and {accepted} completions were accepted")
        return verdict

    def note_deaths(self) -> None:
        """Processes that died at a failpoint were killed, too."""
        deaths = read_deaths(deaths_of(str(self.fleet.ledger)))
        self.kills += [Kill(pid, point, at) for pid, at, point in deaths]

    def _strike(self, pid: int, role: str) -> None:
        before = self.fleet.isolated()
        at = time.time()
        os.kill(pid, signal.SIGKILL)
        after = self.fleet.isolated()
        time.sleep(0.05)  # a child that the victim had asked for is forked nevertheless
        self.kills.append(Kill(pid, role, at, frozenset(before | after | self.fleet.isolated())))

    def _targets(self, kills: int) -> list[str]:
        targets = [name for name, count in TARGETS.items() for _ in range(count)]
        chosen = (targets * (kills // len(targets) + 1))[:kills]
        self.chance.shuffle(chosen)
        return chosen

    def _busy_ones(self, supervisor: int) -> list[int]:
        """Its workers in which handlers run; none when all is done already."""
        found: set[int] = set()
        with suppress(AssertionError):
            wait_until(
                lambda: found.update(self._busy() & set(children(supervisor, "jobs-worker"))) or found,
                seconds=1,
                what="a busy worker",
            )
        return list(found)

    def _busy(self) -> set[int]:
        """Processes in which handlers run."""
        return {run.pid for runs in ledger.read(self.fleet.ledger).values() for run in runs if not run.ended}

    def _is_over(self) -> bool:
        return all(not n for counts in self.jobs.stats() for state, n in counts.states.items() if not state.is_final)

    def _snapshots(self) -> Iterable[tuple[str, JobSnapshot | None]]:
        ids = list(self.expected)
        for start in range(0, len(ids), GOT_AT_ONCE):
            some = ids[start : start + GOT_AT_ONCE]
            yield from zip(some, self.jobs.get_many(some), strict=True)


def returns_of(job: JobSnapshot) -> dict[int, Loss]:
    """When each lost attempt of a job was settled as lost, and whose end it was."""
    losses = {}
    for line in job.lines:
        pid = line.worker.rpartition(":")[2]
        if line.error_type == "WorkerDied":
            losses[line.attempt] = Loss(line.finished_ms / 1000, int(pid) if pid.isdigit() else -1)
        elif line.error_type == "ProcessDied":
            losses[line.attempt] = Loss(line.finished_ms / 1000)
    return losses
