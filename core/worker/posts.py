"""The children a supervisor wants, who fills each place now, and how soon a dead one is replaced."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from .table import Region

SHORT_LIFE_S: Final = 5.0
FREE_RESTARTS: Final = 2  # short lives in a row before a replacement waits
FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 15.0


class Role(Enum):
    """What a child does."""

    KEEPER = "keeper"
    SERVICES = "services"
    ZYGOTE = "zygote"
    WORKER = "worker"


@dataclass(slots=True)
class Post:
    """A place for a child. pid: who fills it, 0 for nobody. Times are the host's monotonic clock.

    is_done: it is not to be filled again. kill_at: when a child that was asked to stop is ended; 0 for never.
    """

    role: Role
    number: int = 0
    pid: int = 0
    region: Region | None = None
    started: float = 0.0
    fill_at: float = 0.0
    short_lives: int = 0
    is_done: bool = False
    was_told: bool = False
    kill_at: float = 0.0

    @property
    def name(self) -> str:
        return f"jobs-{self.role.value}-{self.number}" if self.number else f"jobs-{self.role.value}"

    def filled(self, pid: int, now: float) -> None:
        self.pid, self.started, self.was_told, self.kill_at = pid, now, False, 0.0

    def vacated(self, now: float) -> None:
        """Its child left by plan: it is replaced at once."""
        self.pid, self.region, self.short_lives, self.fill_at = 0, None, 0, now

    def emptied(self, now: float) -> None:
        """Its child died unasked: it is replaced at once, or after a growing wait when its children die young."""
        self.pid, self.region = 0, None
        self.short_lives = self.short_lives + 1 if now - self.started < SHORT_LIFE_S else 0
        self.fill_at = now + wait_before(self.role, self.short_lives)


def wait_before(role: Role, short_lives: int) -> float:
    """Seconds before a child is replaced. Leases depend on the keeper, suspects on the zygote: neither is
    waited for longer than a moment."""
    if short_lives <= FREE_RESTARTS:
        return 0.0
    longest = FIRST_WAIT_S if role in (Role.KEEPER, Role.ZYGOTE) else LONGEST_WAIT_S
    return float(min(longest, FIRST_WAIT_S * 2 ** (short_lives - FREE_RESTARTS)))
