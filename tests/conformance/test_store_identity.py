"""What a store says of itself: its id, its format, its features, its ends."""

import pytest

from core.backends.contract import FORMAT, Backend
from core.errors import StoreFormatError
from core.model.ident import JobRef
from core.model.states import State

from .clock import FakeClock
from .lab import Lab, keys
from .places import Place


def test_a_store_is_named_as_it_was_asked_for(store: Backend, place: Place):
    assert store.features.name == place.name


def test_a_store_carries_an_id(store: Backend):
    assert len(store.store_id) >= 16


def test_the_id_is_that_of_the_store_not_of_the_connection(store: Backend, meet):
    assert meet().store_id == store.store_id


def test_two_stores_have_two_ids(store: Backend, elsewhere: Place, clock: FakeClock):
    other = elsewhere.connect(clock)
    try:
        assert other.store_id != store.store_id
    finally:
        other.close()


def test_two_stores_know_nothing_of_each_other(lab: Lab, elsewhere: Place):
    other = elsewhere.connect(lab.clock)
    try:
        ref = lab.enqueue()
        assert other.get([ref]) == [None]
        assert list(other.counts()) == []
    finally:
        other.close()


def test_what_a_durable_store_holds_survives_its_closing(place: Place, clock: FakeClock):
    first = place.connect(clock)
    ref = Lab(first, clock).arrive(State.FAILED)
    id_before = first.store_id
    first.close()
    again = place.connect(clock)
    try:
        [job] = again.get([ref])
        survived = (job is not None and job.state is State.FAILED, again.store_id == id_before)
        assert survived == (again.features.durable, again.features.durable)
    finally:
        again.close()


def test_a_lease_outlives_the_connection_that_took_it(lab: Lab, meet):
    lab.enqueue()
    other = Lab(meet(), lab.clock)
    claim = other.claim_one()
    if lab.store.features.shared:
        other.store.close()
    assert lab.store.renew("mail", keys([claim]), 30_000) == []


def test_opening_twice_is_harmless(lab: Lab):
    ref = lab.enqueue()
    lab.store.open()
    assert lab.state(ref) is State.PENDING


def test_closing_twice_is_harmless(place: Place, clock: FakeClock):
    store = place.connect(clock)
    store.close()
    store.close()


def test_an_open_store_answers_a_ping(store: Backend):
    store.ping()


def test_the_clock_of_a_store_is_the_one_it_was_opened_with(store: Backend, clock: FakeClock):
    assert store.now_ms() == clock.now_ms()
    clock.move(12_345)
    assert store.now_ms() == clock.now_ms()


def test_the_url_names_the_kind_of_store(store: Backend):
    assert store.url.split("://")[0] in {store.features.name, "redis+cluster", "unix"}


@pytest.mark.parametrize("newer", [1, 1_000])
def test_a_store_of_a_newer_format_is_refused_in_a_sentence(durable_place: Place, clock: FakeClock, newer: int):
    durable_place.connect(clock).close()
    durable_place.write_format(FORMAT + newer)
    with pytest.raises(StoreFormatError, match=r"\d.*\w+ \w+"):
        durable_place.connect(clock)


def test_a_store_of_a_newer_format_is_left_as_it_is(durable_place: Place, clock: FakeClock):
    first = durable_place.connect(clock)
    ref: JobRef = Lab(first, clock).enqueue()
    first.close()
    durable_place.write_format(FORMAT + 1)
    with pytest.raises(StoreFormatError):
        durable_place.connect(clock)
    durable_place.write_format(FORMAT)
    again = durable_place.connect(clock)
    try:
        [job] = again.get([ref])
        assert job is not None
    finally:
        again.close()
