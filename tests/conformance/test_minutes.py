"""Per-minute counters: sums that workers add up before they settle."""

import pytest

from core.model.minutes import MINUTE_MS, minute_of
from core.model.states import State

from .lab import Lab, end

SENT = "shop.send|completed"


@pytest.fixture(autouse=True)
def _known_queues(lab: Lab) -> None:
    """Sums come from outcomes, so their queue has held a job."""
    for queue in ("mail", "bills"):
        lab.arrive(State.CANCELLED, queue=queue)


def test_sums_land_in_the_minute_of_the_stores_clock(lab: Lab):
    lab.clock.move(90_000)
    lab.exchange(minutes={SENT: 3, "shop.send|run_ms": 1_250})
    assert lab.store.minutes("mail", 0) == {minute_of(lab.now): {SENT: 3, "shop.send|run_ms": 1_250}}


def test_sums_of_one_minute_are_added(lab: Lab):
    for n in (1, 2, 3):
        lab.exchange(minutes={SENT: n})
    assert lab.store.minutes("mail", 0) == {minute_of(lab.now): {SENT: 6}}


def test_a_minute_ends_with_its_last_millisecond(lab: Lab):
    first = minute_of(lab.now)
    lab.clock.move(MINUTE_MS - 1)
    lab.exchange(minutes={SENT: 1})
    lab.clock.move(1)
    lab.exchange(minutes={SENT: 2})
    assert lab.store.minutes("mail", 0) == {first: {SENT: 1}, first + 1: {SENT: 2}}


def test_metrics_are_kept_apart(lab: Lab):
    lab.exchange(minutes={SENT: 1})
    lab.exchange(minutes={"shop.bill|completed": 1, "shop.send|wait:0": 1})
    assert lab.store.minutes("mail", 0) == {
        minute_of(lab.now): {SENT: 1, "shop.bill|completed": 1, "shop.send|wait:0": 1}
    }


def test_minutes_are_read_from_a_minute_on(lab: Lab):
    first = minute_of(lab.now)
    for _ in range(4):
        lab.exchange(minutes={SENT: 1})
        lab.clock.move(MINUTE_MS)
    assert list(lab.store.minutes("mail", first + 2)) == [first + 2, first + 3]


def test_minutes_are_answered_in_order_though_the_clock_went_back(lab: Lab):
    for minutes in (5, 7, -3, 9, -10, 5):
        lab.clock.move(minutes * MINUTE_MS)
        lab.exchange(minutes={SENT: 1})
    minutes = list(lab.store.minutes("mail", 0))
    assert len(minutes) == 6
    assert minutes == sorted(minutes)


def test_each_queue_has_its_own_minutes(lab: Lab):
    lab.exchange(minutes={SENT: 1})
    lab.exchange(queue="bills", minutes={SENT: 5})
    assert [list(lab.store.minutes(queue, 0).values()) for queue in ("mail", "bills")] == [
        [{SENT: 1}],
        [{SENT: 5}],
    ]


def test_an_exchange_without_sums_makes_no_minute(lab: Lab):
    lab.finish(lab.start(), State.COMPLETED)
    assert lab.store.minutes("mail", 0) == {}


def test_sums_are_added_though_an_outcome_of_the_batch_was_refused(lab: Lab):
    stale = lab.outlived(State.DEAD)
    lab.exchange(end(stale, State.COMPLETED), minutes={SENT: 2})
    assert lab.store.minutes("mail", 0) == {minute_of(lab.now): {SENT: 2}}


def test_large_sums_are_exact(lab: Lab):
    for _ in range(2):
        lab.exchange(minutes={"shop.send|run_ms": 2**52})
    assert lab.store.minutes("mail", 0) == {minute_of(lab.now): {"shop.send|run_ms": 2**53}}


def test_many_metrics_fit_in_one_call(lab: Lab):
    sums = {f"shop.task_{n}|run:{n % 18}": n + 1 for n in range(800)}
    lab.exchange(minutes=sums)
    assert lab.store.minutes("mail", 0) == {minute_of(lab.now): sums}


def test_workers_add_to_the_same_minute(lab: Lab, meet):
    other = Lab(meet(), lab.clock)
    lab.exchange(minutes={SENT: 1})
    other.exchange(worker="b" * 32, minutes={SENT: 1})
    assert lab.store.minutes("mail", 0) == {minute_of(lab.now): {SENT: 2}}
