"""What goes into one call of the hot verb, and how it gets there however long the store is away."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from msgspec.structs import replace

from ..backends.contract import Backend, Exchange, ExchangeReply
from ..model.minutes import tally
from ..model.outcome import Outcome
from ..model.states import State
from .attempt import Finished
from .patience import insist

log = structlog.get_logger("jobs.worker")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Outcomes for one queue (of attempts that ended, and others), how many claims are wanted back, and the tasks among
    those that jobs wait for which this worker knows."""

    queue: str
    worker: str
    finished: Sequence[Finished]
    others: Sequence[Outcome]
    want: int
    lease_ms: int
    serve: Sequence[str] = ()

    @property
    def outcomes(self) -> list[Outcome]:
        return [*self.others, *(f.outcome for f in self.finished if f.outcome is not None)]

    def as_call(self, number: int) -> Exchange:
        return Exchange(
            queue=self.queue,
            worker=self.worker,
            call=number,
            outcomes=self.outcomes,
            want=self.want,
            lease_ms=self.lease_ms,
            minutes=self._minutes(),
            serve=self.serve,
        )

    def _minutes(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for finished in self.finished:
            if finished.name:
                attempt = finished.attempt
                wait_ms = max(0, attempt.started_ms - attempt.claim.ready_ms)
                tally(sums, attempt.claim.task, finished.name, wait_ms=wait_ms, run_ms=int(finished.run_s * 1000))
        return sums


def send_parcel(
    backend: Backend, parcel: Parcel, next_call: Callable[[str], int], *, give_up: threading.Event
) -> ExchangeReply | None:
    """Send until answered: the same call, with the same number, each time. None when it was given up.

    A store that refuses the call itself (it should not) gets the outcomes one by one, so that one that it cannot take
    does not keep the others from being settled.
    """
    call = parcel.as_call(next_call(parcel.queue))
    try:
        return insist(lambda: backend.exchange(call), what="exchange", give_up=give_up)
    except Exception:
        log.exception("the store refused a call", queue=parcel.queue, outcomes=len(call.outcomes))
    alone = [(outcome.raw, _send_alone(backend, call, outcome, next_call, give_up)) for outcome in call.outcomes]
    refused = [raw for raw, is_settled in alone if not is_settled]
    return None if give_up.is_set() else ExchangeReply(refused=refused)


def _send_alone(
    backend: Backend,
    call: Exchange,
    outcome: Outcome,
    next_call: Callable[[str], int],
    give_up: threading.Event,
) -> bool:
    """Settle one job; one whose outcome cannot be stored is dead with that reason, rather than run again for ever."""
    reason = "its outcome could not be stored; the worker's log says why"
    plain = Outcome(raw=outcome.raw, token=outcome.token, state=State.DEAD, reason=reason)
    for candidate in (outcome, plain):
        single = replace(call, call=next_call(call.queue), outcomes=[candidate], want=0, minutes={})
        try:
            reply = insist(partial(backend.exchange, single), what="exchange", give_up=give_up)
        except Exception:
            log.exception("an outcome could not be stored", queue=call.queue, state=candidate.state.value)
        else:
            return reply is not None and outcome.raw not in reply.refused
    return False
