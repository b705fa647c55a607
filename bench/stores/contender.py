"""What is measured: our store, or the least that a safe queue does by bare commands on the same server.

What a rival does, and what it leaves out, stands in its module's docstring (bare/).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Turn(NamedTuple):
    """How many jobs were settled, and how long the call took; what was made for it beforehand is not the store's."""

    settled: int
    seconds: float


class Hands(Protocol):
    """Who works on the line."""

    def turn(self, want: int) -> Turn:
        """Settle what the last turn claimed and claim `want` more."""
        ...


class Door(Protocol):
    """How jobs come in."""

    def batches(self, number: int, size: int) -> list[Callable[[], object]]:
        """Calls that each store `size` jobs; what they send is made beforehand."""
        ...


class Rival(Hands, Door, Protocol):
    """Both."""


@dataclass(frozen=True)
class Ours:
    """Our store: plain keeps as little as a rival, whole keeps what a worker sends by default."""

    plain: Hands
    whole: Hands
    door: Door
