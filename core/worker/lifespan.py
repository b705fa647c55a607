"""How long a worker process lives at most, so that what its handlers leak is given back; and when that is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import ConfigError
from ..tasks.quota import memory_bytes

JITTER: Final = 0.1  # a worker leaves up to this share early, so that not all of them do so at once
MB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifespan:
    """jobs: handlers started. memory: resident bytes. age_s: seconds since it began. 0 is no limit."""

    jobs: int = 0
    memory: int = 0
    age_s: float = 0.0

    def shortened(self, chance: float) -> Lifespan:
        """By a share of its own. chance: a random number in [0, 1). Memory is left as it is: it differs anyway."""
        share = 1 - JITTER * chance
        jobs = max(1, round(self.jobs * share)) if self.jobs else 0
        return Lifespan(jobs=jobs, memory=self.memory, age_s=self.age_s * share)

    def is_over(self, *, jobs: int, memory: int, age_s: float) -> str:
        """Why, in words; empty while it is not."""
        if self.jobs and jobs >= self.jobs:
            return f"it has run {jobs} jobs"
        if self.memory and memory >= self.memory:
            return f"it takes {memory // MB} MB of memory"
        if self.age_s and age_s >= self.age_s:
            return f"it is {age_s:.0f} s old"
        return ""


def as_lifespan(*, max_jobs: int | None, max_memory: str, max_age: float | None) -> Lifespan:
    """From options of a command line. Raises ConfigError."""
    if (max_age or 0) < 0:
        raise ConfigError("--max-age is a number of seconds")
    try:
        memory = memory_bytes(max_memory)
    except ConfigError:
        raise ConfigError(f"--max-memory {max_memory}: give bytes or a text such as 512MB, from 16MB on") from None
    return Lifespan(jobs=max_jobs or 0, memory=memory, age_s=max_age or 0.0)
