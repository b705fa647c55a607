"""A call is repeated until answered, under one number; an outcome that cannot be stored does not hold up the others."""

import itertools
import threading
from collections.abc import Callable

import pytest

from core.app import Jobs
from core.backends.contract import Exchange, ExchangeReply
from core.errors import StoreUnavailable
from core.model.states import State
from core.worker.attempt import Finished
from core.worker.parcel import Parcel, send_parcel
from tests.unit.worker.bench import Bench

Act = Callable[[Exchange], ExchangeReply]


class Meddler:
    """A store whose exchange goes through a test's hands."""

    def __init__(self, jobs: Jobs) -> None:
        self.real: Act = jobs.backend.exchange
        self.calls: list[Exchange] = []
        self.before: Callable[[Exchange], None] = lambda call: None

    def exchange(self, call: Exchange) -> ExchangeReply:
        self.calls.append(call)
        self.before(call)
        return self.real(call)


def work() -> None:
    """Something to claim."""


@pytest.fixture
def meddler(jobs: Jobs) -> Meddler:
    return Meddler(jobs)


def test_an_outage_repeats_the_same_call(bench: Bench, meddler: Meddler) -> None:
    parcel = _parcel(bench, 3)

    def fail_twice(call: Exchange) -> None:
        if len(meddler.calls) <= 2:
            raise StoreUnavailable("away")

    meddler.before = fail_twice
    reply = _send(meddler, parcel)
    assert reply is not None
    assert not reply.refused
    assert meddler.calls[0] is meddler.calls[1] is meddler.calls[2]
    assert {bench.stored(f.attempt.claim).state for f in parcel.finished} == {State.COMPLETED}


def test_it_is_given_up_when_told(bench: Bench, meddler: Meddler) -> None:
    give_up = threading.Event()

    def fail(call: Exchange) -> None:
        give_up.set()
        raise StoreUnavailable("away")

    meddler.before = fail
    assert _send(meddler, _parcel(bench, 1), give_up) is None


def test_one_outcome_that_the_store_cannot_take_is_dead_and_the_others_are_settled(
    bench: Bench, meddler: Meddler
) -> None:
    parcel = _parcel(bench, 3)
    bad = parcel.finished[1].attempt.claim

    def choke(call: Exchange) -> None:
        if any(outcome.raw == bad.raw and outcome.state is State.COMPLETED for outcome in call.outcomes):
            raise ValueError("cannot be stored")

    meddler.before = choke
    reply = _send(meddler, parcel)
    assert reply is not None
    assert not reply.refused
    states = [bench.stored(f.attempt.claim).state for f in parcel.finished]
    assert states == [State.COMPLETED, State.DEAD, State.COMPLETED]
    assert "could not be stored" in bench.stored(bad).reason


def test_minutes_are_added_up_by_task(bench: Bench) -> None:
    call = _parcel(bench, 3).as_call(1)
    assert call.minutes["work|completed"] == 3


def _parcel(bench: Bench, count: int) -> Parcel:
    finished: list[Finished] = []
    bench.slots.limit = count
    for _ in range(count):
        attempt = bench.started(work)
        done = bench.settlement.completed(attempt, None)
        bench.slots.finish(done)
        finished.append(done)
    return Parcel("default", "f" * 32, finished, [], 0, 30_000)


def _send(meddler: Meddler, parcel: Parcel, give_up: threading.Event | None = None) -> ExchangeReply | None:
    numbers = itertools.count(1)
    return send_parcel(meddler, parcel, lambda queue: next(numbers), give_up=give_up or threading.Event())
