"""What a job costs in memory, what counting costs, and how long it is kept: as long as the process."""

import sys
import tracemalloc

from core.backends.contract import Backend
from core.backends.opener import open_backend
from core.model.ident import new_raw
from core.model.job import NewJob
from core.model.states import State

PAYLOAD = bytes(80)


def filled(jobs: int) -> Backend:
    store = open_backend("memory://")
    store.enqueue(
        [NewJob(queue="mail", raw=new_raw(), task="shop.send", arguments=bytes(PAYLOAD)) for _ in range(jobs)]
    )
    return store


def calls_of_counts(store: Backend) -> int:
    """How many functions are called to answer."""
    seen = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal seen
        seen += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        store.counts()
    finally:
        sys.setprofile(None)
    return seen


def test_counts_cost_the_same_whatever_they_hold():
    assert calls_of_counts(filled(10)) == calls_of_counts(filled(10_000)) < 100


def test_another_store_in_memory_knows_nothing_of_the_first():
    """Nor does the next process: nothing is kept outside the object."""
    assert filled(10).counts()
    assert open_backend("memory://").counts() == []


def test_a_queued_job_takes_at_most_a_kilobyte():
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    store = filled(20_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    a_job = (after - before) / 20_000
    print(f"{a_job:.0f} bytes a queued job")
    assert store.counts()[0].states[State.PENDING] == 20_000
    assert a_job <= 1_024
