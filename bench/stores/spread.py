"""What a store of a million jobs holds: queues, tasks, priorities, states and times as a busy installation has them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import msgspec

from core.model.ident import RAW_BYTES
from core.model.job import NewJob
from core.model.states import State

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
DAYS = 6  # over which finished jobs finished

# Shares of a thousand. Those who run are as many as there are slots, so they do not grow with the store.
STATES = {
    State.COMPLETED: 289,
    State.DEAD: 40,
    State.CANCELLED: 20,
    State.FAILED: 40,
    State.HELD: 10,
    State.RUNNING: 1,
    State.SCHEDULED: 150,
    State.PENDING: 450,
}
QUEUES = {
    "mail": 30,
    "images": 20,
    "default": 15,
    "reports": 10,
    "search": 10,
    "billing": 7,
    "webhooks": 5,
    "imports": 3,
}
BUSY = "mail"  # the queue that workers are measured on
TASKS = ("send", "render", "collect")
PRIORITIES = (0, 0, 0, 0, 0, 0, 10, 10, -10, 50)
PAYLOAD = {"user_id": 12345, "email": "someone@example.com", "template": "welcome", "locale": "en-GB", "n": [1, 2, 3]}

_pack = msgspec.msgpack.encode


@dataclass(frozen=True)
class Share:
    """How many jobs of one queue stand in one state."""

    state: State
    queue: str
    jobs: int


def shares(rows: int) -> list[Share]:
    """All of them, those that a worker has to bring into their state first. Together `rows`, but for rounding."""
    return [
        Share(state, queue, max(1, rows * mille * percent // 100_000))
        for state, mille in STATES.items()
        for queue, percent in QUEUES.items()
    ]


class JobMaker:
    """Makes jobs as clients do, with ids of a time of the caller's choice; the same seed makes the same jobs."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._made = 0

    def make(self, queue: str, *, now_ms: int, run_at_ms: int = 0, priority: int | None = None) -> NewJob:
        """priority None: as they come."""
        self._made += 1
        return NewJob(
            queue=queue,
            raw=self._raw(now_ms),
            task=f"{queue}.{TASKS[self._made % len(TASKS)]}",
            arguments=_pack({"i": self._made, "p": PAYLOAD}),
            priority=self._random.choice(PRIORITIES) if priority is None else priority,
            run_at_ms=run_at_ms,
        )

    def later(self, now_ms: int) -> int:
        """A time within the next ten days, not before tomorrow: nothing becomes due while it is measured."""
        return now_ms + DAY_MS + self._random.randrange(9 * DAY_MS)

    def _raw(self, now_ms: int) -> bytes:
        head = (now_ms << 16) + (self._made & 0xFFFF)
        return head.to_bytes(8, "big") + self._made.to_bytes(RAW_BYTES - 8, "big")
