"""Who has which unique key of one queue."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.job import NewJob, StoredJob, Unique
from ...model.states import FINAL, State

_FREED_IN = {
    Unique.UNTIL_FINISHED: FINAL,
    Unique.WHILE_PENDING: FINAL | {State.RUNNING},
    Unique.FOR_A_TIME: frozenset[State](),
}


@dataclass(frozen=True, slots=True)
class _Holder:
    """The job that has a key; until_ms is 0 when it has it by its state, not for a time."""

    raw: bytes
    until_ms: int = 0


class UniqueKeys:
    """A key that is held for a time stays its holder's, whatever becomes of that job."""

    def __init__(self) -> None:
        self._holders: dict[str, _Holder] = {}

    def holder(self, key: str, now: int) -> bytes | None:
        """The id of the job that has a key now."""
        holder = self._holders.get(key) if key else None
        return holder.raw if holder and (not holder.until_ms or holder.until_ms > now) else None

    def give(self, new: NewJob, now: int) -> None:
        """To a job that comes in."""
        if new.unique_key:
            until_ms = now + new.unique_ms if new.unique is Unique.FOR_A_TIME else 0
            self._holders[new.unique_key] = _Holder(new.raw, until_ms)

    def give_adopted(self, job: StoredJob, now: int) -> None:
        """To a job that had it in another store, unless somebody here has it."""
        if job.holds_its_key(now) and self.holder(job.unique_key, now) is None:
            self._holders[job.unique_key] = _Holder(job.ref.raw, job.unique_until_ms)

    def give_again(self, new: NewJob, now: int) -> bool:
        """To a finished job that is to run once more; False when somebody else has its key meanwhile."""
        if not new.unique_key or new.unique is Unique.FOR_A_TIME:
            return True
        holder = self.holder(new.unique_key, now)
        if holder is None:
            self._holders[new.unique_key] = _Holder(new.raw)
        return holder is None or holder == new.raw

    def entered(self, new: NewJob, state: State) -> None:
        """A job is in a state in which it may no longer have its key."""
        if state in _FREED_IN[new.unique]:
            self.take_back(new)

    def take_back(self, new: NewJob) -> None:
        """A key that is held for a time is not given back, nor one that is another's."""
        if self._holders.get(new.unique_key) == _Holder(new.raw):
            del self._holders[new.unique_key]

    def forget_expired(self, now: int) -> None:
        self._holders = {key: held for key, held in self._holders.items() if not held.until_ms or held.until_ms > now}
