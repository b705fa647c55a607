"""What janitors, schedulers and keepers are given in place of an application."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.config import Config, read_config
from core.model.cron import Every
from core.model.job import Claim
from core.tasks.declare import schedule, task
from core.tasks.registry import Registry
from tests.simulation.link import Link

QUEUE, LEASE_MS = "default", 2_000
CONFIG = read_config(environment={}, backend_url="memory://", lease=timedelta(milliseconds=LEASE_MS))
REGISTRY = Registry()


def tick() -> None:
    """What the schedule enqueues."""


def work(ms: int, fails: int = 0, snoozes: int = 0) -> None:
    """What producers enqueue."""


schedule(Every(seconds=1), key="tick", registry=REGISTRY)(task(name="tick", registry=REGISTRY)(tick))
task(name="work", registry=REGISTRY)(work)


@dataclass
class SimEngine:
    """An engine (core/worker/engine.py) on one party's link."""

    backend: Link
    config: Config = CONFIG
    registry: Registry = REGISTRY
    state: Any = None

    def around_attempt(self, claim: Claim) -> AbstractContextManager[Any]:
        return nullcontext()

    def close(self) -> None:
        """Nothing is open."""
