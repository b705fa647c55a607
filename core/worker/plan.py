"""What one `runworkers` is to run, as a value; made by whoever reads the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..config import Config
from .engine import Engine
from .lifespan import Lifespan
from .services import CORE_DUTIES, Duty
from .shares import Shares

UNSENT_BATCHES: Final = 2  # room for what ended while a call was under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """make_jobs: called in each child, after the fork; may raise StoreUnavailable (it is called again).

    queues: in order of preference, none means all. shares: what each of them gets. concurrency: handlers that run at
    once in each of `processes`. name: a label. duties: run beside the engine's own. lifespan: after which a worker
    process is replaced. before_fork: called in the parent before each fork, to close what a child must not share.
    services, workers: which of the two to run. make_isolated: called once in the zygote, for the children that run
    isolated jobs: a Jobs that connects when it is first asked for something; without it each of them calls make_jobs.
    """

    make_jobs: Callable[[], Engine]
    config: Config
    queues: tuple[str, ...] = ()
    shares: Shares = field(default_factory=Shares)
    processes: int = 1
    concurrency: int = 4
    burst: bool = False
    name: str = ""
    duties: tuple[Duty, ...] = ()
    before_fork: Callable[[], None] | None = None
    make_isolated: Callable[[], Engine] | None = None
    lifespan: Lifespan = field(default_factory=Lifespan)
    services: bool = True
    workers: bool = True

    @property
    def all_duties(self) -> tuple[Duty, ...]:
        return (*CORE_DUTIES, *self.duties)

    @property
    def entries(self) -> int:
        """How many claims one worker process may hold."""
        return entries_for(self.concurrency, self.config.batch)


def entries_for(concurrency: int, batch: int) -> int:
    """Running, buffered, and ended but not yet settled."""
    return concurrency + (1 + UNSENT_BATCHES) * batch
