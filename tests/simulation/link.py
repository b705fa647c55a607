"""A party's way to the store: calls get lost, replies get lost, whole ways are cut, and slow parties dawdle."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from core.backends.contract import Exchange, ExchangeReply
from core.backends.memory.backend import MemoryBackend
from core.errors import StoreUnavailable
from core.model.job import NewJob, Receipt
from tests.simulation.audit import Audit, Key
from tests.simulation.world import World

LOST_CALLS, LOST_REPLIES = 0.03, 0.04
T = TypeVar("T")


class Link:
    """Looks like the store. dawdles: longest pause before a call, in which everybody else goes on."""

    def __init__(self, world: World, store: MemoryBackend, audit: Audit, *, dawdles: int = 0) -> None:
        self._world, self._store, self._audit = world, store, audit
        self._dawdles = dawdles
        self.cut_until = 0

    def __getattr__(self, verb: str) -> Any:
        """Verbs of which nothing is written down."""
        found = getattr(self._store, verb)
        return (lambda *given, **named: self._call(lambda: found(*given, **named))) if callable(found) else found

    def now_ms(self) -> int:
        return self._store.now_ms()

    def exchange(self, call: Exchange) -> ExchangeReply:
        def act() -> ExchangeReply:
            reply = self._store.exchange(call)
            self._audit.exchanged(call, reply)
            return reply

        return self._call(act)

    def renew(self, queue: str, claims: Sequence[Key], lease_ms: int) -> list[bytes]:
        def act() -> list[bytes]:
            lost = self._store.renew(queue, claims, lease_ms)
            self._audit.renewed(claims, lost)
            return lost

        return self._call(act)

    def release(self, queue: str, claims: Sequence[Key]) -> int:
        def act() -> int:
            self._audit.released(claims)
            return self._store.release(queue, claims)

        return self._call(act)

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        return self._call(lambda: self._store.enqueue(jobs))

    def tick(self, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
        def act() -> bool:
            is_taken = self._store.tick(queue, key, version, last_fire_ms, fire_ms, job)
            if is_taken:
                self._audit.ticked(fire_ms)
            return is_taken

        return self._call(act)

    def _call(self, act: Callable[[], T]) -> T:
        world = self._world
        if self._dawdles and world.happens(0.3):
            world.pass_by(world.between(1, self._dawdles))
        if world.t < self.cut_until or world.happens(LOST_CALLS):
            raise StoreUnavailable("the call was lost")
        answer = act()
        if world.happens(LOST_REPLIES):
            self._audit.facts["replies lost"] += 1
            raise StoreUnavailable("the reply was lost")
        return answer
