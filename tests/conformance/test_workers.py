"""The register of living processes: beats, orders, forgetting."""

from typing import Any

import pytest

from core.model.states import State
from core.model.worker import WorkerInfo, WorkerOrders

from .lab import HOUR_MS, OTHER_WORKER, WORKER, Lab

QUIET, STOP, NONE = WorkerOrders(quiet=True), WorkerOrders(stop=True), WorkerOrders()


def worker(id: str = WORKER, **fields: Any) -> WorkerInfo:
    return WorkerInfo(id=id, **fields)


def known(lab: Lab) -> list[str]:
    return [info.id for info in lab.store.workers()]


def test_a_worker_that_beat_is_listed_as_it_described_itself(lab: Lab):
    info = worker(
        role="services",
        label="blue",
        host="db-1",
        pid=4711,
        queues=("mail", "bills"),
        tasks=("shop.send", "shop.bill"),
        slots=8,
        running=("mail~0cpjr1mt3o00u9c2mhl8a6q", "mail~1cpjr1mt3o00u9c2mhl8a6q"),
        started_ms=lab.now - 5,
        memory_bytes=123_456_789_012,
        version="0.1.0",
        quiet=True,
    )
    lab.store.beat(info)
    [listed] = lab.store.workers()
    assert listed == WorkerInfo(
        **{**{name: getattr(info, name) for name in info.__struct_fields__}, "beat_ms": lab.now}
    )


def test_the_time_of_a_beat_is_the_stores(lab: Lab):
    lab.store.beat(worker(beat_ms=1))
    assert lab.store.workers()[0].beat_ms == lab.now


def test_a_later_beat_replaces_the_earlier(lab: Lab):
    lab.store.beat(worker(running=("mail~0cpjr1mt3o00u9c2mhl8a6q",)))
    lab.clock.move(1_000)
    lab.store.beat(worker(running=()))
    [listed] = lab.store.workers()
    assert (listed.running, listed.beat_ms) == ((), lab.now)


def test_no_worker_is_known_at_first(lab: Lab):
    assert list(lab.store.workers()) == []


def test_workers_are_listed_by_their_start_the_oldest_first(lab: Lab):
    for id, started_ms in (("c" * 32, 30), ("a" * 32, 20), ("b" * 32, 10)):
        lab.store.beat(worker(id, started_ms=started_ms))
    assert known(lab) == ["b" * 32, "a" * 32, "c" * 32]


def test_a_worker_that_was_silent_for_an_hour_is_not_listed(lab: Lab):
    lab.store.beat(worker())
    lab.clock.move(HOUR_MS + 1)
    lab.store.beat(worker(OTHER_WORKER))
    assert known(lab) == [OTHER_WORKER]


def test_a_worker_that_was_silent_for_less_is_still_listed(lab: Lab):
    lab.store.beat(worker())
    lab.clock.move(HOUR_MS - 1)
    assert known(lab) == [WORKER]


def test_a_worker_that_beats_again_after_hours_is_listed_again(lab: Lab):
    lab.store.beat(worker())
    lab.clock.move(3 * HOUR_MS)
    lab.store.beat(worker())
    assert known(lab) == [WORKER]


def test_a_beat_without_orders_answers_none(lab: Lab):
    assert lab.store.beat(worker()) == NONE


@pytest.mark.parametrize("orders", [QUIET, STOP, WorkerOrders(quiet=True, stop=True)])
def test_orders_come_with_the_next_beat(lab: Lab, orders: WorkerOrders):
    lab.store.beat(worker())
    assert lab.store.order(WORKER, orders)
    assert lab.store.beat(worker()) == orders


def test_orders_whose_reply_was_lost_come_with_the_next_beat_again(lab: Lab):
    lab.store.beat(worker())
    lab.store.order(WORKER, QUIET)
    assert [lab.store.beat(worker()) for _ in range(2)] == [QUIET, QUIET]


def test_orders_reach_only_the_worker_they_are_for(lab: Lab):
    lab.store.beat(worker())
    lab.store.beat(worker(OTHER_WORKER))
    lab.store.order(WORKER, STOP)
    assert lab.store.beat(worker(OTHER_WORKER)) == NONE


def test_newer_orders_replace_older_ones(lab: Lab):
    lab.store.beat(worker())
    lab.store.order(WORKER, QUIET)
    lab.store.order(WORKER, NONE)
    assert lab.store.beat(worker()) == NONE


def test_orders_for_an_unknown_worker_are_refused(lab: Lab):
    assert not lab.store.order(OTHER_WORKER, STOP)


def test_orders_are_not_left_for_a_worker_that_comes_later(lab: Lab):
    lab.store.order(WORKER, STOP)
    assert lab.store.beat(worker()) == NONE


def test_a_forgotten_worker_is_not_listed_and_takes_no_orders(lab: Lab):
    lab.store.beat(worker())
    lab.store.forget(WORKER)
    assert known(lab) == []
    assert not lab.store.order(WORKER, STOP)


def test_orders_die_with_the_worker_they_were_for(lab: Lab):
    lab.store.beat(worker())
    lab.store.order(WORKER, STOP)
    lab.store.forget(WORKER)
    assert lab.store.beat(worker()) == NONE


def test_forgetting_an_unknown_worker_is_no_error(lab: Lab):
    lab.store.beat(worker())
    lab.store.forget(OTHER_WORKER)
    assert known(lab) == [WORKER]


def test_forgetting_a_worker_leaves_its_running_jobs_to_the_rescue(lab: Lab):
    claim = lab.start()
    lab.store.beat(worker())
    lab.store.forget(WORKER)
    assert lab.state(claim.ref) is State.RUNNING


def test_a_beat_on_one_connection_is_seen_and_ordered_on_another(lab: Lab, meet):
    lab.store.beat(worker())
    other = meet()
    assert [info.id for info in other.workers()] == [WORKER]
    assert other.order(WORKER, STOP)
    assert lab.store.beat(worker()) == STOP
