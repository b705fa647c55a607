"""Where a store of each kind lives during a test, and how to connect to it once, twice, or again."""

from typing import Protocol

from core.backends.contract import Backend
from core.backends.memory.backend import MemoryBackend
from core.model.clock import Clock


class Place(Protocol):
    """One store; `connect` opens it, `meet` gives a second connection beside one that is open."""

    def connect(self, clock: Clock) -> Backend: ...

    def meet(self, store: Backend, clock: Clock) -> Backend: ...


class MemoryPlace:
    """Not shared: who meets a store in memory meets the very object."""

    def connect(self, clock: Clock) -> Backend:
        store = MemoryBackend(clock=clock)
        store.open()
        return store

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return store
