"""The store thread keeps what it holds in step with the slot table, whatever the store does."""

import time

import pytest

from core.backends.contract import Exchange
from core.errors import StoreError, StoreUnavailable
from core.model.ident import JobRef
from core.model.job import NewJob
from core.model.states import State
from core.worker.exchanger import Exchanger
from core.worker.rota import Rota
from core.worker.settlement import unknown_task
from core.worker.table import Phase
from tests.unit.worker.bench import Bench, HandClock


@pytest.fixture
def exchanger(bench: Bench) -> Exchanger:
    rota = Rota(["default"], is_ordered=True)
    return Exchanger(
        bench.jobs, bench.slots, rota, bench.time, worker="a" * 32, finds_queues=False, on_settled=lambda accepted: None
    )


def work() -> None:
    """Something to claim."""


def test_claims_that_could_not_be_given_back_before_the_end_are_left_to_the_keeper(
    bench: Bench, exchanger: Exchanger, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.admitted(work)

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(bench.jobs.backend, "release", away)
    exchanger.claims = False
    exchanger.abandon()
    exchanger._step(time.monotonic())
    assert [entry.phase for entry in bench.region.claims()] == [Phase.WAITING]


def test_claims_whose_release_the_store_refuses_are_not_renewed_for_ever(
    bench: Bench, exchanger: Exchanger, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.admitted(work)

    def refuse(*_: object) -> None:
        raise StoreError("no")

    monkeypatch.setattr(bench.jobs.backend, "release", refuse)
    exchanger.claims = False
    with pytest.raises(StoreError):
        exchanger._step(time.monotonic())
    assert bench.region.claims() == []
    assert bench.slots.is_empty


def test_held_jobs_are_taken_in_by_a_worker_that_knows_their_task(bench: Bench, exchanger: Exchanger) -> None:
    claim = bench.claim(work)
    held = unknown_task(claim)
    call = Exchange(queue="default", worker="b" * 32, call=1, outcomes=[held], want=0)
    bench.jobs.backend.exchange(call)
    assert (bench.stored(claim).state, bench.stored(claim).held_at) == (State.HELD, "task:work")
    exchanger._step(time.monotonic())
    exchanger._step(time.monotonic())
    assert bench.stored(claim).state is State.RUNNING


def test_a_worker_that_does_not_know_a_task_leaves_its_jobs_held(bench: Bench, exchanger: Exchanger) -> None:
    bench.jobs.backend.enqueue([NewJob(queue="default", raw=bytes(14), task="of.tomorrow", arguments=b"\x80")])
    for _ in range(4):
        exchanger._step(time.monotonic())
    [job] = bench.jobs.backend.get([JobRef("default", bytes(14))])
    assert job is not None
    assert (job.state, job.token) == (State.HELD, 0)
    assert bench.jobs.backend.exchange(Exchange(queue="default", worker="c" * 32, call=1)).claims == []


def test_an_expired_job_is_cancelled_and_costs_no_attempt(bench: Bench, exchanger: Exchanger, clock: HandClock) -> None:
    task = bench.jobs.register("work", work)
    [job] = bench.jobs.enqueue_many([task.using(expires_in=60).request()])
    clock.move(61)
    for _ in range(3):
        exchanger._step(time.monotonic())
    [stored] = bench.jobs.backend.get([job.ref])
    assert stored is not None
    assert (stored.state, stored.attempts) == (State.CANCELLED, 0)
    assert stored.reason == "expired: its turn came 1.0 s too late"
    assert bench.slots.is_empty


def test_a_start_that_makes_room_wakes_the_store_thread(
    bench: Bench, exchanger: Exchanger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a slot that is free stays free until some handler ends."""
    bench.admitted(work)
    assert exchanger._appetite.wanted() == 0, "what waits will take a slot"
    rung: list[str] = []
    monkeypatch.setattr(exchanger._bell, "sleep", lambda _: bench.slots.take_for_thread())
    monkeypatch.setattr(exchanger._bell, "ring", lambda: rung.append("rung"))
    exchanger._sleep(time.monotonic())
    assert rung == ["rung"]
