"""Workers, keeper and services as threads of one process."""

from __future__ import annotations

from .engine import Engine


class Runner:
    """Runs an engine inside this process."""

    def __init__(self, engine: Engine, *, queues: tuple[str, ...], concurrency: int) -> None:
        raise NotImplementedError

    def start(self) -> None: ...

    def stop(self, grace_s: float) -> None: ...
