"""Where a store of each kind lives during a test, and how to connect to it once, twice, or again."""

from pathlib import Path
from typing import Protocol

from core.backends.contract import Backend
from core.backends.opener import open_backend
from core.model.clock import Clock


class Place(Protocol):
    """One store, empty at first."""

    name: str

    def connect(self, clock: Clock) -> Backend:
        """Open it."""
        ...

    def meet(self, store: Backend, clock: Clock) -> Backend:
        """A second connection to the store that is open already."""
        ...

    def write_format(self, number: int) -> None:
        """Make it look as if a program of that format had written it."""
        ...


class MemoryPlace:
    """Not shared: who meets a store in memory meets the very object."""

    name = "memory"

    def connect(self, clock: Clock) -> Backend:
        return open_backend("memory://", clock=clock)

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return store

    def write_format(self, number: int) -> None:
        raise NotImplementedError("memory is always of the running program's format")


class SqlitePlace:
    """A file of its own."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    def connect(self, clock: Clock) -> Backend:
        return open_backend(f"sqlite:///{self._path}", clock=clock)

    def meet(self, store: Backend, clock: Clock) -> Backend:
        return self.connect(clock)

    def write_format(self, number: int) -> None:
        raise NotImplementedError
