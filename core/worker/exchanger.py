"""The store thread: settles what ended and claims what comes next, in one call of the store's hot verb."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from ..backends.contract import ExchangeReply, QueueCounts
from ..model.clock import as_ms
from ..model.job import Claim
from ..model.states import State
from .appetite import Appetite
from .attempt import Attempt, Finished
from .bell import Bell, Doorbell
from .burst import has_work
from .engine import Engine
from .intake import Intake
from .interrupts import CancelInterrupt, LeaseInterrupt
from .notes import Notes
from .parcel import Parcel, send_parcel
from .patience import insist
from .quota import Quota
from .rota import Rota
from .slots import Slots, pairs_by_queue
from .storetime import StoreTime
from .tray import Tray

PULSE_S: Final = 0.8  # while a job of a queue runs, the queue is asked this often whether it was cancelled
REFRESH_S: Final = 2.0  # how often queues that nobody listed are looked for
LONGEST_SLEEP_S: Final = 1.0
ASKED_BLINDLY: Final = 3

log = structlog.get_logger("jobs.worker")


class Turn(NamedTuple):
    """The next call: which queue, and for how many claims."""

    queue: str
    want: int


class Exchanger:
    """Runs on one thread until it may finish and nothing is held any more, or until it is abandoned."""

    def __init__(
        self,
        engine: Engine,
        slots: Slots,
        rota: Rota,
        store_time: StoreTime,
        *,
        worker: str,
        finds_queues: bool,
        can_isolate: bool = True,
        most: Mapping[str, int] | None = None,
        on_settled: Callable[[Sequence[Finished]], None],
    ) -> None:
        self._backend = engine.backend
        self._batch = engine.config.batch
        self._lease_ms = as_ms(engine.config.lease)
        self._slots, self._rota, self._time = slots, rota, store_time
        self._appetite = Appetite(slots, most=self._batch)
        self._worker = worker
        self._finds_queues = finds_queues
        self._on_settled = on_settled
        self._quota = Quota(most or {})
        self._calls: Counter[str] = Counter()
        self._pulsed: dict[str, float] = {}  # when each queue was last exchanged with
        self._registry = engine.registry
        self._served: dict[str, tuple[str, ...]] = {}  # tasks known here that held jobs of each queue wait for
        self._due: dict[str, float] = {}  # when the next delayed job of each queue is due
        self._tray = Tray(most=self._batch)
        self._can_isolate = can_isolate
        self._intake = Intake(engine.registry, slots, self._tray, can_isolate=can_isolate)
        self._refreshed = 0.0
        self._is_asleep = self._was_woken = False
        self._ring_at, self._ring_low = 1, -1
        self._bell = Bell()
        self._doorbell: Doorbell | None = None
        self._abandoned = threading.Event()
        self.notes = Notes(self._backend, give_up=self._abandoned, on_lost=_stop_for_lease)
        self.claims = True  # whether new claims are wanted
        self.is_finishing = False  # whether to end once nothing is held
        self.on_drained: Callable[[], None] | None = None  # burst: called once nothing is due any more
        self.lost = 0  # settles that the store refused
        slots.on_start = self._notice_start
        slots.on_finish = self._notice
        if self._backend.features.wakes:
            rest_s = engine.config.poll_interval.total_seconds()
            self._doorbell = Doorbell(self._backend, self._wake, rest_s=rest_s)

    # -- called from other threads

    def ring(self) -> None:
        """Have it look around now: something about what is wanted has changed."""
        self._bell.ring()

    def abandon(self) -> None:
        """Give up what is not settled yet; its leases run out."""
        self._abandoned.set()
        self._bell.ring()

    @property
    def unsent(self) -> int:
        """Ended attempts that the store has not taken yet."""
        return self._slots.finished + len(self._tray)

    # -- the thread

    def run(self) -> None:
        if self._doorbell is not None:
            self._doorbell.start()
        while not self._abandoned.is_set() and not (self.is_finishing and self._is_done()):
            try:
                self._step(time.monotonic())
            except Exception:
                log.exception("the store thread failed and goes on")
                self._abandoned.wait(LONGEST_SLEEP_S)
        if self._doorbell is not None:
            self._doorbell.close()

    def _step(self, now: float) -> None:
        self._sort_out(now)
        self.notes.flush(now)
        if self._was_woken:
            self._was_woken = False
            self._look_who_rang(now)
        self._give_back(now)
        turn = self._next_turn(now)
        if turn is not None:
            self._exchange(turn, now)
        elif self._finds_queues and now - self._refreshed > REFRESH_S:
            self._find_queues(now)
        else:
            self._sleep(now)

    def _sort_out(self, now: float) -> None:
        """Put what ended with its queue."""
        for finished in self._slots.collect(self._slots.finished):
            attempt = finished.attempt
            if finished.outcome is None:
                self._count_lost(attempt.claim)
                self._drop([attempt])
                continue
            self._tray.add(finished, now)

    def _next_turn(self, now: float) -> Turn | None:
        want = self._wanted()
        ask = self._rota.next(now, shut=self._quota.shut) if want else None
        settle = self._tray.due(now, is_idle=self._slots.is_idle)
        if settle is not None:
            return Turn(settle, self._quota.room(settle, want) if ask in (settle, None) else 0)
        if ask is not None:
            return Turn(ask, self._quota.room(ask, want))
        pulse = self._queue_to_pulse(now)
        return None if pulse is None else Turn(pulse, 0)

    def _wanted(self) -> int:
        return self._appetite.wanted() if self.claims else 0

    def _queue_to_pulse(self, now: float) -> str | None:
        """A queue that has not been asked for a while whether a job that runs here was cancelled."""
        if not self._slots.busy:
            return None
        queues = {attempt.claim.queue for attempt in self._slots.running()}
        return next((queue for queue in queues if now - self._pulsed.get(queue, 0.0) >= PULSE_S), None)

    def _exchange(self, turn: Turn, now: float) -> None:
        queue = turn.queue
        finished, others = self._tray.take(queue)
        self.notes.flush_ended(finished)
        serve = self._served.get(queue, ()) if turn.want else ()
        parcel = Parcel(queue, self._worker, finished, others, turn.want, self._lease_ms, serve)
        try:
            reply = send_parcel(self._backend, parcel, self._next_call, give_up=self._abandoned)
        except BaseException:
            self._drop(one.attempt for one in finished)  # their leases run out, rather than being renewed for ever
            raise
        if reply is None:
            return
        after = time.monotonic()
        self._appetite.exchanged(after - now)
        self._pulsed[queue] = after
        self._time.heard(reply.now_ms)
        self._settled(parcel, reply)
        if turn.want:
            self._take_in(turn, reply, after)
        self._offer_service(queue, reply)
        for raw in reply.asked_to_cancel:
            attempt = self._slots.find(raw)
            if attempt is not None and not attempt.is_cancelled:
                attempt.ask_to_stop(CancelInterrupt, after)

    def _next_call(self, queue: str) -> int:
        self._calls[queue] += 1
        return self._calls[queue]

    def _settled(self, parcel: Parcel, reply: ExchangeReply) -> None:
        if not parcel.finished:
            return
        refused = set(reply.refused)
        accepted = []
        for finished in parcel.finished:
            self._drop([finished.attempt])
            if finished.attempt.claim.raw in refused:
                self._count_lost(finished.attempt.claim)
            else:
                accepted.append(finished)
        self._appetite.ran(sum(finished.run_s for finished in parcel.finished) / len(parcel.finished))
        self._on_settled(accepted)

    def _take_in(self, turn: Turn, reply: ExchangeReply, now: float) -> None:
        due_at = self._time.at(reply.next_due_ms) if reply.next_due_ms else None
        self._due[turn.queue] = due_at or 0.0
        self._rota.answered(
            turn.queue, now, has_more=len(reply.claims) >= turn.want, claimed=len(reply.claims), due_at=due_at
        )
        if reply.is_paused:
            self._rota.rests(turn.queue, now + LONGEST_SLEEP_S)
        if not reply.claims:
            return
        if self._doorbell is not None:
            self._doorbell.disarm(was_fruitful=True)
        self._appetite.took_in(now)
        free = self._slots.free_entries
        self._intake.take_in(turn.queue, reply.claims)
        self._quota.took(turn.queue, free - self._slots.free_entries)

    def _offer_service(self, queue: str, reply: ExchangeReply) -> None:
        """Jobs wait for a task that this worker knows: they are taken in with the next call, which is now."""
        self._served[queue] = tuple(task for task in reply.awaited if self._runs(task))
        if self._served[queue] and not reply.is_paused:
            self._rota.wake({queue})

    def _runs(self, name: str) -> bool:
        """Whether jobs of a task can be run here."""
        task = self._registry.get(name)
        return task is not None and (self._can_isolate or not task.isolated)

    def _give_back(self, now: float) -> None:
        """Release claims that will not start soon: all when none are wanted, or when every slot is stuck."""
        if not self._slots.waiting or (self.claims and not self._appetite.must_give_back(now)):
            return
        attempts = self._slots.take_back()
        try:
            for queue, pairs in pairs_by_queue(attempts).items():
                insist(partial(self._backend.release, queue, pairs), what="release", give_up=self._abandoned)
        finally:
            if not self._abandoned.is_set():  # else the keeper gives back what it still finds in the table
                self._drop(attempts)

    def _drop(self, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            self._slots.drop(attempt.index)
            self._quota.let_go(attempt.claim.queue)

    def _look_who_rang(self, now: float) -> None:
        """The store does not say where work arrived: a few queues are simply asked, among many one call finds it."""
        if len(self._rota.names) <= ASKED_BLINDLY:
            self._rota.wake()
            return
        self._rota.wake({count.queue for count in self._find_queues(now) if count.states.get(State.PENDING, 0)})

    def _find_queues(self, now: float) -> Sequence[QueueCounts]:
        counts = insist(self._backend.counts, what="counts", give_up=self._abandoned) or []
        if self._finds_queues:
            self._refreshed = now
            self._rota.add(count.queue for count in counts)
        return counts

    def _count_lost(self, claim: Claim) -> None:
        self.lost += 1
        log.warning("lease lost", job=str(claim.ref), task=claim.task, attempt=claim.attempts)

    # -- sleeping

    def _sleep(self, now: float) -> None:
        until = self._sleeps_until(now)
        wants = self._wanted()
        self._ring_at = max(1, self._batch // 2) if self._tray else 1
        self._ring_low = self._appetite.low_mark if wants == 0 and self.claims else -1
        if self._doorbell is not None:
            if wants:
                self._doorbell.arm(self._rota.names)
            else:
                self._doorbell.disarm(was_fruitful=False)
        if self.on_drained is not None and self._is_drained(now):
            self.on_drained()
        self._is_asleep = True
        has_room = not wants and self._wanted()  # what was waiting has been started meanwhile
        if self._slots.finished < self._ring_at and not has_room:
            self._bell.sleep(until - now)
        self._is_asleep = False

    def _sleeps_until(self, now: float) -> float:
        times = [now + LONGEST_SLEEP_S]
        if self._tray:
            times.append(self._tray.gather_until)
        if self._wanted():
            times.append(self._rota.next_turn(shut=self._quota.shut))
        if self._finds_queues:
            times.append(self._refreshed + REFRESH_S)
        if self._slots.waiting:
            times.append(self._appetite.stalls_at)
        if self._slots.busy:
            times.append(now + PULSE_S / 2)
        return min(times)

    def _notice(self) -> None:
        """A handler ended; called in its thread. Rings only when that changes what is to be done now."""
        if not self._is_asleep:
            return
        slots = self._slots
        if slots.finished >= self._ring_at or slots.waiting <= self._ring_low or slots.is_idle:
            self._bell.ring()

    def _notice_start(self) -> None:
        """A handler starts; called in its thread. With the buffer half used more is wanted now, not at the next end."""
        if self._is_asleep and self._slots.waiting <= self._ring_low:
            self._bell.ring()

    def _wake(self) -> None:
        self._was_woken = True
        self._bell.ring()

    def _is_done(self) -> bool:
        return self._slots.is_empty and not self._tray

    def _is_drained(self, now: float) -> bool:
        """Burst: nothing held, every queue found empty, nothing due within a second."""
        if self.unsent or not self._slots.is_empty or self._rota.next(now) is not None:
            return False
        if any(due and due <= now + LONGEST_SLEEP_S for due in self._due.values()):
            return False
        counts = insist(self._backend.counts, what="counts", give_up=self._abandoned)
        return counts is not None and not has_work(counts, self._rota.names)


def _stop_for_lease(attempt: Attempt) -> None:
    attempt.ask_to_stop(LeaseInterrupt, time.monotonic())
