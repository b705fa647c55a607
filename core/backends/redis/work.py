"""What workers, their keeper and the janitor call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...errors import StoreError
from ...model.limits import PROMOTED_PER_EXCHANGE, TOLD_TASKS, TURNED_AWAY_PER_EXCHANGE
from ...model.outcome import CANCELLED_WHILE_RUNNING
from ...model.retention import Retention
from ...model.states import State
from ..contract import Exchange, ExchangeReply, Note, Rescue
from . import codec
from .intake import Intake, parts_of
from .live import worker_of
from .register import STALE_AFTER_MS, Register
from .verbs import BATCH, chunks

_TRIMMED: Final = (State.COMPLETED, State.CANCELLED, State.DEAD)  # in the order of trim.lua


class Work(Intake, Register):
    """See contract.Work, but for `wait`."""

    def exchange(self, call: Exchange) -> ExchangeReply:
        outcomes = [codec.pack_outcome(outcome) for outcome in call.outcomes]
        sums = codec.pack_sums(call.minutes) if call.minutes else []
        follow_ups, elsewhere = _follow_ups(call)
        now, refused, claims, asked, next_due_ms, paused, awaited, checkpoints = self._run(
            "exchange",
            call.queue,
            call.worker,
            call.call,
            call.want,
            call.lease_ms,
            call.keep_completed,
            PROMOTED_PER_EXCHANGE,
            CANCELLED_WHILE_RUNNING,
            TURNED_AWAY_PER_EXCHANGE,
            TOLD_TASKS,
            len(call.serve),
            len(outcomes),
            len(sums),
            len(follow_ups),
            len(elsewhere),
            *call.serve,
            *outcomes,
            *sums,
            *follow_ups,
            *elsewhere,
        )
        if elsewhere:
            self._relay_soon(call.queue, len(elsewhere))
        return ExchangeReply(
            refused=refused,
            claims=codec.unpack_claims(call.queue, claims, checkpoints),
            asked_to_cancel=asked,
            next_due_ms=next_due_ms,
            is_paused=bool(paused),
            now_ms=now,
            awaited=[task.decode() for task in awaited],
        )

    def renew(self, queue: str, claims: Sequence[tuple[bytes, int]], lease_ms: int) -> list[bytes]:
        lost: list[bytes] = []
        for part in chunks(claims, BATCH):
            lost += self._run("renew", queue, lease_ms, *map(codec.pack_claim, part))
        return lost

    def release(self, queue: str, claims: Sequence[tuple[bytes, int]]) -> int:
        parts = chunks(claims, BATCH)
        return sum(self._run("release", queue, CANCELLED_WHILE_RUNNING, *map(codec.pack_claim, part)) for part in parts)

    def note(self, queue: str, notes: Sequence[Note]) -> list[bytes]:
        lost: list[bytes] = []
        for _, part in parts_of(range(len(notes)), [codec.pack_noted(note) for note in notes]):
            lost += self._run("note", queue, *part)
        return lost

    def rescue(self, queue: str, limit: int, lease_ms: int) -> Rescue:
        jumped, flat, checkpoints = self._run("rescue", queue, limit, lease_ms)
        workers = [worker_of(live) for live in flat[2::3]]
        return Rescue(bool(jumped), codec.unpack_claims(queue, flat, checkpoints), workers)

    def trim(self, queue: str, retention: Retention, limit: int) -> int:
        kept = [bound for state in _TRIMMED for bound in (retention.of(state).count, retention.of(state).age_ms)]
        gone = 0
        while gone < limit:
            step = min(BATCH, limit - gone)
            deleted = self._run("trim", queue, step, *kept)
            gone += deleted
            if deleted < step:
                break
        self._tidy(queue, retention)
        self._strike_stale()
        return gone

    def _tidy(self, queue: str, retention: Retention) -> None:
        """Cut what is no job, and list the queue again in case the list lost it."""
        entries = (retention.failure_entries, retention.completed_entries)
        minutes_ms = int(retention.minutes.total_seconds() * 1000)
        if self._run("tidy", queue, *entries, minutes_ms, STALE_AFTER_MS):
            self._run("list", "", queue)

    def _relay_soon(self, queue: str, count: int) -> None:
        """Spare follow-ups the wait for the service; it moves what stays behind."""
        try:
            self.relay(queue, count)
        except StoreError:
            pass


def _follow_ups(call: Exchange) -> tuple[list[bytes], list[bytes]]:
    """Follow-ups for this queue, and for others."""
    here: list[bytes] = []
    elsewhere: list[bytes] = []
    for number, outcome in enumerate(call.outcomes, 1):
        for job in outcome.then:
            if job.queue == call.queue:
                here.append(codec.pack_follow_up(number, job))
            else:
                elsewhere.append(codec.pack_for_elsewhere(number, job))
    return here, elsewhere
