"""Sleeping until there is work: early when it comes, never for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from core.backends.contract import Backend
from core.model.states import State, Verb

from .lab import Lab, keys

PATIENCE_S = 8.0  # how long a waiter would sleep if nobody woke it
SOON_S = 4.0  # woken well before that, on the slowest machine


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def timed_wait(store: Backend, *queues: str, timeout_s: float = PATIENCE_S) -> float:
    began = time.monotonic()
    store.wait(queues, timeout_s)
    return time.monotonic() - began


def begin_to_wait(pool: ThreadPoolExecutor, store: Backend, *queues: str) -> Future[float]:
    """A waiter in a thread of its own, given a moment to fall asleep: without it the test still holds."""
    started = threading.Event()

    def sleep() -> float:
        started.set()
        return timed_wait(store, *queues)

    future = pool.submit(sleep)
    started.wait()
    time.sleep(0.05)
    return future


def expect_early(future: Future[float], *, wakes: bool) -> None:
    """Woken soon by a store that wakes; by a store that does not, callers poll."""
    if wakes:
        assert future.result() < SOON_S


def test_waiting_ends_when_its_time_is_over(lab: Lab):
    lab.arrive(State.CANCELLED)
    assert timed_wait(lab.store, "mail", timeout_s=0.1) < SOON_S


def test_waiting_for_no_time_returns_at_once(lab: Lab):
    assert timed_wait(lab.store, "mail", timeout_s=0) < SOON_S


def test_waiting_for_a_queue_that_is_not_there_ends_too(lab: Lab):
    assert timed_wait(lab.store, "nobody", timeout_s=0.1) < SOON_S


def test_work_that_is_there_already_is_not_waited_for(lab: Lab):
    lab.enqueue()
    assert timed_wait(lab.store, "mail") < SOON_S or not lab.store.features.wakes


def test_work_that_came_after_the_last_claim_is_not_slept_over(lab: Lab):
    lab.exchange(want=1)
    lab.enqueue()
    assert timed_wait(lab.store, "mail") < SOON_S or not lab.store.features.wakes


def test_a_new_job_wakes_a_waiter(lab: Lab, pool: ThreadPoolExecutor):
    lab.arrive(State.CANCELLED)
    waiter = begin_to_wait(pool, lab.store, "mail")
    lab.enqueue()
    expect_early(waiter, wakes=lab.store.features.wakes)


def test_a_new_job_in_any_of_its_queues_wakes_a_waiter(lab: Lab, pool: ThreadPoolExecutor):
    waiter = begin_to_wait(pool, lab.store, "stock", "bills", "mail")
    lab.enqueue(queue="bills")
    expect_early(waiter, wakes=lab.store.features.wakes)


def test_a_job_from_another_connection_wakes_a_waiter(lab: Lab, meet, pool: ThreadPoolExecutor):
    other = Lab(meet(), lab.clock)
    waiter = begin_to_wait(pool, lab.store, "mail")
    other.enqueue()
    expect_early(waiter, wakes=lab.store.features.wakes)


def follow_up(lab: Lab) -> None:
    lab.finish(lab.claim_one(), State.COMPLETED, then=(lab.job(),))


def sent_back(lab: Lab) -> None:
    lab.finish(lab.claim_one(), State.PENDING)


def released(lab: Lab) -> None:
    lab.store.release("mail", keys(lab.claim(1)))


@pytest.mark.parametrize("event", [follow_up, sent_back, released])
def test_work_that_a_worker_leaves_wakes_a_waiter(lab: Lab, event: Callable[[Lab], None]):
    """Checked without a race: the work is there when the wait begins."""
    lab.enqueue()
    event(lab)
    assert lab.count(State.PENDING) == 1
    assert timed_wait(lab.store, "mail") < SOON_S or not lab.store.features.wakes


def test_a_retry_by_hand_wakes_a_waiter(lab: Lab, pool: ThreadPoolExecutor):
    dead = lab.arrive(State.DEAD)
    waiter = begin_to_wait(pool, lab.store, "mail")
    lab.act(Verb.RETRY, dead)
    expect_early(waiter, wakes=lab.store.features.wakes)


def test_resuming_a_queue_wakes_its_waiters(lab: Lab, pool: ThreadPoolExecutor):
    lab.enqueue()
    lab.store.pause("mail", "maintenance")
    waiter = begin_to_wait(pool, lab.store, "mail")
    lab.store.resume("mail")
    expect_early(waiter, wakes=lab.store.features.wakes)


def test_one_job_after_another_wakes_the_same_waiter(lab: Lab, pool: ThreadPoolExecutor):
    for _ in range(3):
        waiter = begin_to_wait(pool, lab.store, "mail")
        lab.enqueue()
        expect_early(waiter, wakes=lab.store.features.wakes)
        assert len(lab.claim(1)) == 1
