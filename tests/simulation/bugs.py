"""Bugs that others shipped, planted on purpose: each is a history of which the audit must say that it is broken."""

from collections.abc import Sequence

from msgspec.structs import replace

from core.backends.contract import Exchange, ExchangeReply, Rescue
from core.backends.memory.backend import MemoryBackend
from core.model.job import NewJob
from core.model.outcome import Charge, Outcome


class NoTokenCheck(MemoryBackend):
    """A settle finds its job by the id alone."""

    def exchange(self, call: Exchange) -> ExchangeReply:
        return super().exchange(replace(call, outcomes=[self._any_token(one) for one in call.outcomes]))

    def _any_token(self, outcome: Outcome) -> Outcome:
        record = self._queue("default").records.get(outcome.raw)
        return outcome if record is None else replace(outcome, token=record.token)


class RescueById(MemoryBackend):
    """A rescuer takes what it found, though its lease was renewed meanwhile or it has another owner by now."""

    def exchange(self, call: Exchange) -> ExchangeReply:
        return super().exchange(replace(call, outcomes=[self._blind(one) for one in call.outcomes]))

    def _blind(self, outcome: Outcome) -> Outcome:
        record = self._queue("default").records.get(outcome.raw)
        if record is None or not outcome.if_expired:
            return outcome
        return replace(outcome, token=record.token, if_expired=False)


class NoReplies(MemoryBackend):
    """A call that is sent again is a new call."""

    def exchange(self, call: Exchange) -> ExchangeReply:
        self._queue(call.queue).replies.pop(call.worker, None)
        return super().exchange(call)


class LossesAreTries(MemoryBackend):
    """A worker's death counts as a try of each job it held."""

    def exchange(self, call: Exchange) -> ExchangeReply:
        return super().exchange(replace(call, outcomes=[self._charged(one) for one in call.outcomes]))

    def _charged(self, outcome: Outcome) -> Outcome:
        return replace(outcome, charge=Charge.COUNTED) if outcome.charge is Charge.LOST else outcome


class NoWatch(MemoryBackend):
    """A jump of the clock is taken for the death of everybody."""

    def rescue(self, queue: str, limit: int, lease_ms: int) -> Rescue:
        watch = self._queue(queue).watch
        watch.last_ms, watch.quiet_until_ms = self.now_ms(), 0
        return super().rescue(queue, limit, lease_ms)


class TicksTwice(MemoryBackend):
    """A tick is taken without a look at whether somebody took it."""

    def tick(self, queue: str, key: str, version: int, last_fire_ms: int, fire_ms: int, job: NewJob) -> bool:
        held = self._queue(queue).schedules[key]
        raw = bytes([len(self._queue(queue).records) % 256]) + job.raw[1:]
        return super().tick(queue, key, version, held.last_fire_ms, fire_ms, replace(job, raw=raw))


STORES: dict[str, type[MemoryBackend]] = {
    "no token check": NoTokenCheck,
    "rescue by id only": RescueById,
    "replies not remembered": NoReplies,
    "a loss counts as a try": LossesAreTries,
    "no watch over the clock": NoWatch,
    "ticks without compare-and-set": TicksTwice,
}
ACK_FIRST = "ack before handler"
NEW_ID = "no idempotent enqueue"
BUGS: Sequence[str] = (*STORES, ACK_FIRST, NEW_ID)
