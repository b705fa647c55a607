"""What is held is published, in its phase, until it is settled."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from core.worker.attempt import Attempt, Finished
from core.worker.interrupts import StopInterrupt
from core.worker.table import Phase
from tests.unit.worker.bench import Bench


def work(n: int = 1) -> int:
    return n


async def awork() -> None:
    """For the event loop."""


def test_a_claim_is_published_from_its_admission_to_its_settle(bench: Bench) -> None:
    attempt = bench.admitted(work)
    assert _phases(bench) == [Phase.WAITING]
    assert bench.slots.take_for_thread() is attempt
    assert _phases(bench) == [Phase.RUNNING]
    bench.slots.finish(Finished(attempt, None))
    assert _phases(bench) == [Phase.FINISHED]
    bench.slots.drop(attempt.index)
    assert _phases(bench) == []
    assert bench.slots.is_empty


def test_the_deadline_is_the_jobs_own_or_its_tasks_or_the_configured_one(bench: Bench) -> None:
    bench.jobs.register("quick", work, timeout=5)
    bench.jobs.enqueue("quick")
    quick = bench.attempt(bench.claim_next())
    bench.jobs.enqueue(bench.jobs.registry.find("quick").using(timeout=2).request())
    own = bench.attempt(bench.claim_next())
    plain = bench.attempt(bench.claim(work))
    bench.slots.limit = 3
    bench.slots.admit(b"default", [quick, own, plain])
    taken = [bench.slots.take_for_thread() for _ in range(3)]
    assert [round(a.deadline - a.started) for a in taken if a] == [5, 2, 300]
    assert [entry.deadline - entry.started for entry in bench.region.claims()] == [5000, 2000, 300_000]


def test_threads_and_the_loop_share_one_limit(bench: Bench) -> None:
    bench.admitted(work)
    bench.admitted(awork)
    bench.admitted(awork)
    running = bench.slots.take_for_thread()
    assert running is not None
    assert bench.slots.take_for_loop() is not None
    assert bench.slots.take_for_loop() is None
    calls: list[int] = []
    bench.slots.on_loop_work = lambda: calls.append(1)
    bench.slots.finish(Finished(running, None))
    assert calls, "a thread's end frees a slot that the loop waits for"
    assert bench.slots.take_for_loop() is not None


def test_what_has_not_started_can_be_taken_back_the_newest_first(bench: Bench) -> None:
    first, second = bench.admitted(work), bench.admitted(work)
    assert bench.slots.take_back(1) == [second]
    assert bench.slots.take_for_thread() is first
    assert bench.slots.take_back() == []


def test_a_claim_older_than_its_lease_is_not_started(bench: Bench) -> None:
    """Its process was stopped: somebody else may run the job by now."""
    attempt = bench.admitted(work)
    attempt.admitted -= 31
    bench.slots.take_for_thread()
    assert attempt.interrupt is StopInterrupt


def test_a_thread_that_waits_ends_when_the_slots_close(bench: Bench) -> None:
    thread = threading.Thread(target=bench.slots.take_for_thread)
    thread.start()
    bench.slots.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_written_off_handler_is_shown_as_such_and_counted_until_it_ends(bench: Bench) -> None:
    attempt = bench.started(work)
    bench.slots.write_off(attempt)
    bench.slots.write_off(attempt)
    assert (bench.slots.written_off, _phases(bench)) == (1, [Phase.WRITTEN_OFF])
    bench.slots.finish(Finished(attempt, None))
    assert bench.slots.written_off == 0


def _phases(bench: Bench) -> list[Phase]:
    return [entry.phase for entry in bench.region.claims()]


def test_a_claim_is_looked_for_while_another_starts(bench: Bench) -> None:
    bench.slots.limit = 4
    for _ in range(3):
        bench.started(work)
    other = bench.attempt(bench.claim(work))
    starter = threading.Thread(target=bench.slots._start, args=[other])

    class Meddling(dict[int, Attempt]):
        """Its second value is read just while a thread starts its handler."""

        def values(self) -> Any:
            return _meddled(super().values(), starter)

    bench.slots._running = Meddling(bench.slots._running)
    assert bench.slots.find(b"\xff" * 14) is None
    starter.join()
    assert bench.slots.find(other.claim.raw) is other


def _meddled(attempts: Iterable[Attempt], starter: threading.Thread) -> Iterator[Attempt]:
    for position, attempt in enumerate(attempts):
        if position == 1 and not starter.ident:
            starter.start()
            starter.join(0.2)
        yield attempt
