"""The store thread keeps what it holds in step with the slot table, whatever the store does."""

import time

import pytest

from core.errors import StoreError, StoreUnavailable
from core.worker.exchanger import Exchanger
from core.worker.rota import Rota
from core.worker.table import Phase
from tests.unit.worker.bench import Bench


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
