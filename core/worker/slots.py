"""What a worker holds: claims that wait for a slot, those that run, and those that ended and are not yet settled.

Every change is published in the slot table, so that the keeper renews exactly what is held.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from .attempt import Attempt, Finished
from .interrupts import StopInterrupt
from .storetime import StoreTime
from .table import Phase, Region
from .timeouts import timeout_s_of


class Slots:
    """The meeting point of the store thread, the handlers' threads and the event loop. Thread-safe.

    limit: handlers that run at once, threads and event loop together. on_loop_work: called when a claim waits for the
    event loop and a slot is free. on_start, on_finish: called when a handler starts and after it ended, often: be
    quick.
    """

    def __init__(
        self, region: Region, *, limit: int, store_time: StoreTime, default_timeout_s: float, lease_s: float
    ) -> None:
        self.limit = limit
        self.region = region
        self._time = store_time
        self._timeout_s = default_timeout_s
        self._lease_s = lease_s
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._free = list(range(region.entries - 1, -1, -1))
        self._for_threads: deque[Attempt] = deque()
        self._for_loop: deque[Attempt] = deque()
        self._running: dict[int, Attempt] = {}
        self._finished: deque[Finished] = deque()
        self._idle_threads = 0
        self._written_off = 0
        self._busy = 0
        self._is_closed = False
        self.starts = 0  # handlers started since the worker did
        self.on_loop_work: Callable[[], None] = _nothing
        self.on_thread_work: Callable[[], None] = _nothing
        self.on_start: Callable[[], None] = _nothing
        self.on_finish: Callable[[], None] = _nothing

    # -- the store thread

    def admit(self, queue: bytes, attempts: Sequence[Attempt]) -> None:
        """Take in claims, in order."""
        now = time.monotonic()
        for attempt in attempts:
            claim = attempt.claim
            attempt.admitted = now
            self.region.admit(attempt.index, queue, claim.raw, claim.token)
        with self._lock:
            for attempt in attempts:
                (self._for_loop if attempt.is_for_loop else self._for_threads).append(attempt)
            self._work.notify(min(len(self._for_threads), self._idle_threads))
            lacks_threads = len(self._for_threads) > self._idle_threads
        if lacks_threads:
            self.on_thread_work()
        if self._for_loop:
            self.on_loop_work()

    def reserve(self) -> int:
        """An entry of the table for a new claim."""
        return self._free.pop()

    def drop(self, index: int) -> None:
        """Give an entry back: its claim is settled, released or lost."""
        self.region.set_phase(index, Phase.EMPTY)
        self._free.append(index)

    def collect(self, most: int) -> list[Finished]:
        """The oldest ended attempts, to be settled now."""
        finished = self._finished
        return [finished.popleft() for _ in range(min(most, len(finished)))]

    def take_back(self, most: int | None = None) -> list[Attempt]:
        """Claims whose handlers have not started, the newest first, to be released."""
        taken: list[Attempt] = []
        with self._lock:
            for waiting in (self._for_threads, self._for_loop):
                while waiting and (most is None or len(taken) < most):
                    taken.append(waiting.pop())
        return taken

    # -- threads and the event loop

    def take_for_thread(self) -> Attempt | None:
        """The next claim for a thread, now running; waits for one; None when there will be none any more."""
        with self._lock:
            while not (self._for_threads and self._busy < self.limit):
                if self._is_closed:
                    return None
                self._idle_threads += 1
                self._work.wait()
                self._idle_threads -= 1
            self._busy += 1
            attempt = self._for_threads.popleft()
        self._start(attempt)
        return attempt

    def take_for_loop(self) -> Attempt | None:
        """The next claim for the event loop, now running; None when none waits or no slot is free."""
        with self._lock:
            if not self._for_loop or self._busy >= self.limit:
                return None
            self._busy += 1
            attempt = self._for_loop.popleft()
        self._start(attempt)
        return attempt

    def finish(self, finished: Finished) -> None:
        """A handler ended; its slot is free."""
        attempt = finished.attempt
        self.region.set_phase(attempt.index, Phase.FINISHED)
        with self._lock:
            self._busy -= 1
            del self._running[attempt.index]
            self._finished.append(finished)
            if attempt.is_written_off:
                self._written_off -= 1
            if self._for_threads and attempt.is_for_loop:
                self._work.notify()
            wakes_loop = bool(self._for_loop) and not attempt.is_for_loop
        if wakes_loop:
            self.on_loop_work()
        self.on_finish()

    # -- those who watch

    @property
    def waiting(self) -> int:
        """Claims whose handlers have not started."""
        return len(self._for_threads) + len(self._for_loop)

    @property
    def busy(self) -> int:
        """Handlers that run."""
        return self._busy

    @property
    def finished(self) -> int:
        """Attempts that ended and wait to be settled."""
        return len(self._finished)

    @property
    def written_off(self) -> int:
        """Handlers that run past their timeout and do not stop."""
        return self._written_off

    @property
    def free_entries(self) -> int:
        return len(self._free)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits to."""
        return not self._busy and not self._for_threads and not self._for_loop

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held at all."""
        return len(self._free) == self.region.entries

    @property
    def waiting_for_threads(self) -> int:
        return len(self._for_threads)

    def running(self) -> list[Attempt]:
        """The attempts whose handlers run."""
        with self._lock:
            return list(self._running.values())

    def find(self, raw: bytes) -> Attempt | None:
        """A claim that waits or runs, by its raw id."""
        with self._lock:
            held = (self._running.values(), self._for_threads, self._for_loop)
            return next((attempt for some in held for attempt in some if attempt.claim.raw == raw), None)

    def write_off(self, attempt: Attempt) -> None:
        """Say that a handler will not stop."""
        with self._lock:
            if attempt.index not in self._running or attempt.is_written_off:
                return
            attempt.is_written_off = True
            self._written_off += 1
        self.region.set_phase(attempt.index, Phase.WRITTEN_OFF)

    def close(self) -> None:
        """Let idle threads end."""
        with self._lock:
            self._is_closed = True
            self._work.notify_all()

    def _start(self, attempt: Attempt) -> None:
        attempt.started = now = time.monotonic()
        if now - attempt.admitted > self._lease_s:
            attempt.ask_to_stop(StopInterrupt, now)  # the process was stopped since: the claim may be another's
        attempt.started_ms = self._time.now_ms()
        attempt.deadline = now + timeout_s_of(attempt.options, attempt.task.timeout, self._timeout_s)
        self.region.start(attempt.index, int(now * 1000), int(attempt.deadline * 1000))
        with self._lock:
            self._running[attempt.index] = attempt
        self.on_start()
        self.starts += 1  # a lost update does no harm: it is only asked whether it moved


def pairs_by_queue(attempts: Sequence[Attempt]) -> dict[str, list[tuple[bytes, int]]]:
    """`(raw, token)` by queue, as a store's release takes them."""
    by_queue: dict[str, list[tuple[bytes, int]]] = {}
    for attempt in attempts:
        by_queue.setdefault(attempt.claim.queue, []).append((attempt.claim.raw, attempt.claim.token))
    return by_queue


def _nothing() -> None:
    return None
