"""The unique keys of the model: who has each, and until when."""

from core.model.job import Unique
from core.model.states import FINAL, State

from .values import ModelJob, ModelNew

CLAIMED_OR_FINAL = FINAL | {State.RUNNING}


class ModelKeys:
    """One dictionary; a key that is held for a time has its end, the others have none."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[bytes, int]] = {}

    def holder(self, key: str, now: int) -> bytes | None:
        raw, until_ms = self._held.get(key, (None, 0))
        return raw if not until_ms or now < until_ms else None

    def take(self, new: ModelNew, now: int) -> None:
        if new.unique_key:
            until_ms = now + new.unique_ms if new.unique is Unique.FOR_A_TIME else 0
            self._held[new.unique_key] = (new.raw, until_ms)

    def take_again(self, new: ModelNew, now: int) -> bool:
        """Whether a finished job may run again, which takes its key unless that is one for a time."""
        if not new.unique_key or new.unique is Unique.FOR_A_TIME:
            return True
        if self.holder(new.unique_key, now) not in (None, new.raw):
            return False
        self._held[new.unique_key] = (new.raw, 0)
        return True

    def take_along(self, job: ModelJob, now: int) -> None:
        """A job that comes from elsewhere brings a key that its kind and state give it, if nobody has it here."""
        kind, rests = job.new.unique, job.state not in FINAL
        gives = {
            Unique.UNTIL_FINISHED: rests,
            Unique.WHILE_PENDING: rests and job.state is not State.FAILED and not job.attempts,
            Unique.FOR_A_TIME: job.unique_until_ms > now,
        }
        if job.new.unique_key and gives[kind] and self.holder(job.new.unique_key, now) is None:
            self._held[job.new.unique_key] = (job.raw, job.unique_until_ms)

    def entered(self, new: ModelNew, state: State) -> None:
        """A job is in a state that may end its hold."""
        ends = {Unique.UNTIL_FINISHED: FINAL, Unique.WHILE_PENDING: CLAIMED_OR_FINAL, Unique.FOR_A_TIME: frozenset()}
        if state in ends[new.unique]:
            self.give_back(new)

    def give_back(self, new: ModelNew) -> None:
        if self._held.get(new.unique_key) == (new.raw, 0):
            del self._held[new.unique_key]
