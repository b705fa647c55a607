"""Listed queues in order, with a turn for the last; unlisted ones by turns; empty ones rest."""

import math
from collections import Counter

from core.worker.rota import Rota


def test_the_first_listed_queue_is_served_as_long_as_it_has_work_but_the_last_is_not_starved() -> None:
    rota = Rota(["high", "low"], is_ordered=True)
    turns = Counter(_asked(rota, at / 100, has_more=True) for at in range(80))
    assert turns == {"high": 70, "low": 10}


def test_queues_that_nobody_listed_take_turns() -> None:
    rota = Rota(["a", "b"], is_ordered=False)
    turns = [_asked(rota, float(at), has_more=True) for at in range(1, 5)]
    assert turns == ["a", "b", "a", "b"]


def test_the_partitions_of_a_listed_queue_take_turns() -> None:
    rota = Rota(["high", "high@1", "low"], is_ordered=True)
    turns = Counter(_asked(rota, 1 + at / 100, has_more=True) for at in range(80))
    assert turns["low"] == 10
    assert abs(turns["high"] - turns["high@1"]) <= 2


def test_an_empty_queue_rests_and_the_next_one_is_asked() -> None:
    rota = Rota(["high", "low"], is_ordered=True)
    assert _asked(rota, 10.0, has_more=False) == "high"
    assert rota.next(10.1) == "low"
    rota.answered("low", 10.1, has_more=False)
    assert rota.next(10.2) is None
    assert rota.next_turn() == 11.0
    assert rota.next(11.0) == "high"


def test_it_is_asked_again_when_its_next_delayed_job_is_due() -> None:
    rota = Rota(["a"], is_ordered=True)
    rota.answered("a", 10.0, has_more=False, due_at=10.3)
    assert rota.next(10.2) is None
    assert rota.next(10.3) == "a"


def test_a_wake_up_ends_every_rest() -> None:
    rota = Rota(["a", "b"], is_ordered=True)
    for name in ("a", "b"):
        rota.answered(name, 10.0, has_more=False)
    rota.wake()
    assert rota.next(10.0) == "a"


def test_a_wake_up_that_names_its_queues_leaves_the_others_at_rest() -> None:
    rota = Rota(["a", "b"], is_ordered=True)
    for name in ("a", "b"):
        rota.answered(name, 10.0, has_more=False)
    rota.wake({"b"})
    assert rota.next(10.0) == "b"


def test_an_idle_worker_with_very_many_queues_makes_few_calls() -> None:
    rota = Rota([f"q{n}" for n in range(200)], is_ordered=False)
    calls, now = 0, 0.0
    while now < 60:
        name = rota.next(now)
        if name is None:
            now = rota.next_turn()
            continue
        calls += 1
        rota.answered(name, now, has_more=False)
    assert calls <= 60 * 20 + 200


def test_new_queues_join_once() -> None:
    rota = Rota(["a"], is_ordered=False)
    rota.add(["b", "a", "b"])
    assert rota.names == ("a", "b")


# Weights and bounds


def test_weights_share_out_jobs_not_calls() -> None:
    rota = Rota(["a", "b"], is_ordered=True, weights={"a": 3, "b": 1})
    given: Counter[str] = Counter()
    for at in range(400):
        name = rota.next(at / 100)
        assert name is not None
        claimed = 10 if name == "a" else 1  # calls to a bring ten times as many
        given[name] += claimed
        rota.answered(name, at / 100, has_more=True, claimed=claimed)
    assert 2.9 < given["a"] / given["b"] < 3.1


def test_weights_count_whatever_the_order_and_nobody_is_starved() -> None:
    rota = Rota(["low", "high"], is_ordered=True, weights={"low": 1, "high": 99})
    turns = Counter(_claimed(rota, at / 100) for at in range(1000))
    assert turns == {"high": 990, "low": 10}


def test_who_had_nothing_to_do_is_owed_nothing() -> None:
    rota = Rota(["a", "b"], is_ordered=True, weights={"a": 1, "b": 1})
    rota.rests("b", until=1.0)
    assert {_claimed(rota, at / 1000) for at in range(500)} == {"a"}
    turns = [_claimed(rota, 1.0 + at / 1000) for at in range(10)]
    assert Counter(turns) == {"a": 5, "b": 5}


def test_an_empty_queue_leaves_its_share_to_the_others() -> None:
    rota = Rota(["a", "b"], is_ordered=True, weights={"a": 9, "b": 1})
    assert rota.next(10.0) == "a"
    rota.answered("a", 10.0, has_more=False)
    assert {_claimed(rota, 10.0 + at / 1000) for at in range(50)} == {"b"}


def test_partitions_share_the_weight_of_their_queue() -> None:
    rota = Rota(["a", "a@1", "b"], is_ordered=True, weights={"a": 2, "b": 1})
    turns = Counter(_claimed(rota, 1 + at / 100) for at in range(300))
    assert turns["b"] == 100
    assert turns["a"] == turns["a@1"] == 100


def test_a_queue_that_is_shut_is_not_asked_and_not_waited_for() -> None:
    rota = Rota(["a", "a@1", "b"], is_ordered=True)
    assert rota.next(10.0, shut=["a"]) == "b"
    rota.answered("b", 10.0, has_more=False)
    assert rota.next(10.1, shut=["a"]) is None
    assert rota.next_turn(shut=["a"]) == 11.0
    assert rota.next_turn(shut=["a", "b"]) == math.inf
    assert rota.next(10.1) == "a"


def _claimed(rota: Rota, now: float) -> str:
    name = rota.next(now)
    assert name is not None
    rota.answered(name, now, has_more=True, claimed=1)
    return name


def _asked(rota: Rota, now: float, *, has_more: bool) -> str:
    name = rota.next(now)
    assert name is not None
    rota.answered(name, now, has_more=has_more)
    return name
