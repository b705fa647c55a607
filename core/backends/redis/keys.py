"""Names of everything this store keeps in Redis: what belongs to a queue carries its name as the hash tag."""

from __future__ import annotations

from typing import Final

from ...errors import ConfigError
from ...model.states import State

# The sorted set that a job is in is its state. Scripts number them from 1 in this order.
STATE_KEYS: Final = {
    State.PENDING: "ready",
    State.SCHEDULED: "sched",
    State.HELD: "held",
    State.RUNNING: "lease",
    State.FAILED: "retry",
    State.DEAD: "dead",
    State.COMPLETED: "done",
    State.CANCELLED: "cancelled",
}
STATE_NUMBERS: Final = {state: number for number, state in enumerate(STATE_KEYS, 1)}
STATES_BY_NUMBER: Final = {number: state for state, number in STATE_NUMBERS.items()}

# Short name in scripts -> the end of the key.
QUEUE_KEYS: Final = {
    **{name: name for name in STATE_KEYS.values()},
    "meta": "meta",  # hash: token, totals, pause, watch over the clock
    "job": "job",  # hash: raw -> what never changes (codec.py)
    "live": "live",  # hash: raw -> what changes; none for a job that was never touched
    "end": "end",  # hash: raw -> result, error and lines of past attempts
    "notes": "notes",  # hash: raw -> progress, checkpoint and log; none for a job whose handlers left none
    "unique": "unique",  # hash: unique key -> raw of the job that holds it (lua/lib/unique.lua)
    "uniqueends": "unique:ends",  # sorted set of the unique keys that are held for a time, by its end
    "asked": "asked",  # hash: raw of a running job that should stop -> its worker
    "minutes": "minutes",  # hash: minute|task -> sums
    "minuteindex": "minutes:index",  # sorted set of the fields of `minutes` by minute
    "failures": "journal:failures",  # stream
    "completed": "journal:completed",  # stream
    "replies": "replies",  # hash: worker -> what its last exchange was answered
    "schedules": "schedules",  # hash: key -> schedule
    "outbox": "outbox",  # hash: follow-ups on their way to other queues
    "gates": "gates",  # hash: gate -> its numbers, how many passed and wait, its rate (lua/lib/posts.lua)
    "waiting": "waiting",  # sorted set, all of score 0: who waits at which gate, in run order (lua/lib/gates.lua)
    "openings": "openings",  # sorted set of gates with a free slot where somebody waits, by when the rate lets one pass
    "awaited": "awaited",  # sorted set, all of score 0: tasks that held jobs wait for a worker to know
    "wake": "wake",  # sorted set of one member while `ready` may have work, for BZPOPMIN
}
STORE_KEYS: Final = {
    "store": "store",  # hash: id and format
    "queues": "queues",  # set of names
    "workers": "workers",  # hash: worker -> what it says of itself
    "beats": "beats",  # sorted set of workers by their last beat
    "orders": "orders",  # hash: worker -> what it is wanted to do
}


class Keys:
    """Full names under one prefix; two prefixes are two stores in one database."""

    def __init__(self, prefix: str) -> None:
        if not prefix or set(prefix) & set("{}"):
            raise ConfigError(f"prefix {prefix!r}: give a text without braces, which mark the slot of a key")
        self._prefix = prefix

    def of_queue(self, queue: str, name: str) -> str:
        return f"{self._prefix}:{{{queue}}}:{QUEUE_KEYS[name]}"

    def of_store(self, name: str) -> str:
        return f"{{{self._prefix}}}:{STORE_KEYS[name]}"

    def named(self, name: str, queue: str) -> str:
        """What a script means by a short name."""
        return self.of_queue(queue, name) if name in QUEUE_KEYS else self.of_store(name)
