"""The gates of the model: numbers and what was paid are noted, slots and lines are counted among the jobs."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.model.gate import Gate

from .values import ModelGateInfo, ModelJob

TOLD_TASKS = 10


@dataclass
class Standing:
    """The numbers of the newest job that came to a gate, and up to when its rate is used, in microseconds."""

    gate: Gate
    used_until_us: int = 0

    @property
    def opens_ms(self) -> int:
        """The first millisecond in which the rate lets one pass."""
        if not self.gate.interval_us:
            return 0
        at_us = self.used_until_us - (self.gate.burst - 1) * self.gate.interval_us
        return (at_us + 999) // 1000


class ModelGates:
    """Over the jobs of one queue, which are the queue's to move."""

    def __init__(self, jobs: dict[bytes, ModelJob]) -> None:
        self._jobs = jobs
        self._standings: dict[str, Standing] = {}

    def line(self, name: str) -> list[ModelJob]:
        """Who waits at a gate, in run order."""
        return sorted((job for job in self._jobs.values() if job.held_at == name), key=lambda job: job.turn)

    def used(self, name: str) -> int:
        return sum(job.has_passed and job.new.gate.name == name for job in self._jobs.values() if job.new.gate)

    def stand(self, gate: Gate, now: int) -> None:
        """Somebody stands at a gate: one where nothing is going on begins with these numbers."""
        if self._is_idle(gate.name, now):
            self._standings[gate.name] = Standing(gate)

    def may_pass(self, gate: Gate, now: int) -> bool:
        """Whether one that comes to a gate may pass; its numbers are the gate's from now on."""
        self.stand(gate, now)
        self._standings[gate.name].gate = gate
        return not self.line(gate.name) and self.has_room(gate.name) and self._standings[gate.name].opens_ms <= now

    def has_room(self, name: str) -> bool:
        limit = self._standings[name].gate.limit
        return not limit or self.used(name) < limit

    def next_through(self, name: str, now: int) -> ModelJob | None:
        """The first of the line, if it may pass now."""
        is_open = name in self._standings and self.has_room(name) and self._standings[name].opens_ms <= now
        line = self.line(name) if is_open else []
        return line[0] if line else None

    def pay(self, name: str, now: int) -> None:
        standing = self._standings[name]
        standing.used_until_us = max(standing.used_until_us, now * 1000) + standing.gate.interval_us

    def with_rules(self) -> list[str]:
        return [name for name, it in self._standings.items() if it.gate.limit or it.gate.interval_us]

    def next_opening_ms(self, now: int) -> int:
        waited_for = [name for name in self.with_rules() if self.line(name) and self.has_room(name)]
        return min((max(now, self._standings[name].opens_ms) for name in waited_for), default=0)

    def info(self, name: str, now: int) -> ModelGateInfo:
        standing = self._standings.get(name)
        opens_ms = standing.opens_ms if standing else 0
        return ModelGateInfo(self.used(name), len(self.line(name)), opens_ms if opens_ms > now else 0)

    def awaited(self) -> list[str]:
        names = {job.held_at for job in self._jobs.values()}
        return tasks_of(names)[:TOLD_TASKS]

    def _is_idle(self, name: str, now: int) -> bool:
        standing = self._standings.get(name)
        at_rest = standing is None or standing.used_until_us <= now * 1000
        return at_rest and not self.used(name) and not self.line(name)


def tasks_of(names: Iterable[str]) -> list[str]:
    return sorted(name.removeprefix("task:") for name in names if name.startswith("task:"))
