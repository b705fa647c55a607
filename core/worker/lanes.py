"""The two lanes that claims run in: threads for `def` handlers, the event loop for `async def` ones."""

from __future__ import annotations

import asyncio
import threading

from .attempt import Attempt, Finished
from .executor import Executor
from .isolation import Isolation
from .seat import ThreadSeat
from .slots import Slots


class ThreadLane:
    """Threads, started when work waits and none is idle, up to the number of slots.

    isolation: None where there is no zygote; then no attempt is isolated.
    """

    def __init__(self, slots: Slots, executor: Executor, isolation: Isolation | None) -> None:
        self._slots = slots
        self._executor = executor
        self._isolation = isolation
        self._threads: list[threading.Thread] = []

    def grow(self) -> None:
        """Start threads for what waits; called by the store thread only."""
        wanted = min(self._slots.limit, len(self._threads) + self._slots.waiting_for_threads)
        while len(self._threads) < wanted:
            number = len(self._threads) + 1
            thread = threading.Thread(target=self._work, name=f"jobs-handler-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for threads that are at their end."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _work(self) -> None:
        seat = ThreadSeat()
        seat.sit()
        while (attempt := self._slots.take_for_thread()) is not None:
            self._slots.finish(self._run(attempt, seat))

    def _run(self, attempt: Attempt, seat: ThreadSeat) -> Finished:
        if attempt.is_isolated and self._isolation is not None:
            return self._isolation.run(attempt)
        return self._executor.run_in_thread(attempt, seat)


class LoopLane:
    """Tasks on one event loop, as many as slots are free."""

    def __init__(self, slots: Slots, executor: Executor, loop: asyncio.AbstractEventLoop) -> None:
        self._slots = slots
        self._executor = executor
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def notice(self) -> None:
        """Something may wait for the loop; called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pump)

    def _pump(self) -> None:
        while (attempt := self._slots.take_for_loop()) is not None:
            task = self._loop.create_task(self._run(attempt))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, attempt: Attempt) -> None:
        self._slots.finish(await self._executor.run_on_loop(attempt))
        self._pump()
