"""What must hold of a store after every test, whatever was done to it; the jobs are not those of before afterwards."""

from collections import Counter

from core.backends.contract import Backend
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.states import FINAL, State

from .gate_audit import assert_gates_add_up
from .key_audit import assert_keys_add_up
from .lab import walk


def assert_consistent(store: Backend) -> None:
    """Counts equal a recount; every job is in one state, in its place, alone with its unique key; gates add up."""
    every = assert_lists_add_up(store)
    assert_keys_add_up(store, every)
    assert_gates_add_up(store, every)


def assert_lists_add_up(store: Backend) -> list[StoredJob]:
    """What needs no question but to look; answers every job."""
    jobs = {state: list(walk(store, state)) for state in State}
    _assert_counted(store, jobs)
    every = [job for kept in jobs.values() for job in kept]
    _assert_in_one_state(store, every)
    for state, kept in jobs.items():
        _assert_in_natural_order(state, kept)
    return every


def _assert_counted(store: Backend, jobs: dict[State, list[StoredJob]]) -> None:
    counted = {(counts.queue, state): n for counts in store.counts() for state, n in counts.states.items() if n}
    found = Counter((job.ref.queue, state) for state, kept in jobs.items() for job in kept)
    assert counted == dict(found), "counts() differs from a recount by paging"


def _assert_in_one_state(store: Backend, every: list[StoredJob]) -> None:
    seen = Counter(job.ref for job in every)
    assert max(seen.values(), default=1) == 1, "a job is listed in two places"
    refs: list[JobRef] = [job.ref for job in every]
    for row, whole in zip(every, store.get(refs), strict=True):
        assert whole is not None, f"{row.ref} is listed as {row.state} and cannot be read"
        assert (whole.state, whole.score) == (row.state, row.score)


def _assert_in_natural_order(state: State, kept: list[StoredJob]) -> None:
    places = [(job.score, job.ref.queue, job.ref.raw) for job in kept]
    assert places == sorted(places, reverse=state in FINAL), f"{state} is not in its natural order"
    assert all(job.state is state for job in kept)
