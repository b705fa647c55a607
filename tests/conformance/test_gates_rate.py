"""Rates: one more job every so often, to the millisecond, and the store says when."""

import pytest

from core.model.gate import Gate, GateInfo
from core.model.retention import Retention
from core.model.states import State, Verb

from .lab import HOUR_MS, LEASE_MS, Lab, end, keys, raws
from .matrix import covers, each_state

NAME = "rate:shop.send"
EVERY_MS = 600
RATE = Gate(NAME, interval_us=EVERY_MS * 1000)
BURST = Gate(NAME, interval_us=EVERY_MS * 1000, burst=3)


def times_of(lab: Lab, count: int) -> list[int]:
    """When jobs pass, in milliseconds from now, for a worker that asks when the store told it to, and just before."""
    began, passed = lab.now, []
    while True:
        reply = lab.exchange(want=10)
        passed += [lab.now - began] * len(reply.claims)
        if len(passed) >= count:
            return passed
        assert reply.next_due_ms > lab.now
        lab.clock.move(reply.next_due_ms - lab.now - 1)
        assert lab.claim(10) == []
        lab.clock.move(1)


@covers("rate", State.PENDING, State.HELD, State.RUNNING)
def test_one_passes_each_interval(lab: Lab):
    first, second, third = (lab.enqueue(gate=RATE) for _ in range(3))
    assert raws(lab.claim(10)) == [first.raw]
    assert lab.refs(State.HELD) == [second, third]
    for next_one in (second, third):
        lab.clock.move(EVERY_MS - 1)
        assert lab.claim(10) == []
        lab.clock.move(1)
        assert raws(lab.claim(10)) == [next_one.raw]


def test_the_store_says_when_the_next_one_passes(lab: Lab):
    for _ in range(3):
        lab.enqueue(gate=RATE)
    began = lab.now
    assert lab.exchange(want=10).next_due_ms == began + EVERY_MS
    assert lab.gate(NAME) == GateInfo(gate=RATE, used=1, waiting=2, next_ms=began + EVERY_MS)
    lab.clock.move(EVERY_MS + 100)
    assert lab.gate(NAME).next_ms == 0
    assert lab.exchange(want=10).next_due_ms == lab.now + EVERY_MS


def test_nothing_is_promised_when_nobody_waits(lab: Lab):
    lab.enqueue(gate=RATE)
    assert lab.exchange(want=10).next_due_ms == 0


def test_what_is_due_sooner_is_told_sooner(lab: Lab):
    for _ in range(2):
        lab.enqueue(gate=RATE)
    lab.enqueue(delay_ms=EVERY_MS // 2)
    assert lab.exchange(want=10).next_due_ms == lab.now + EVERY_MS // 2
    lab.clock.move(EVERY_MS // 2)
    assert lab.exchange(want=10).next_due_ms == lab.now + EVERY_MS // 2


def test_a_late_claim_gains_nothing(lab: Lab):
    """The time between counts from the pass, not from when it could have been."""
    for _ in range(3):
        lab.enqueue(gate=RATE)
    lab.claim(10)
    lab.clock.move(5 * EVERY_MS)
    assert len(lab.claim(10)) == 1
    lab.clock.move(EVERY_MS - 1)
    assert lab.claim(10) == []
    lab.clock.move(1)
    assert len(lab.claim(10)) == 1


def test_a_burst_passes_together_and_then_one_each_interval(lab: Lab):
    for _ in range(6):
        lab.enqueue(gate=BURST)
    assert times_of(lab, 6) == [0, 0, 0, EVERY_MS, 2 * EVERY_MS, 3 * EVERY_MS]


def test_a_burst_is_regained_one_each_interval(lab: Lab):
    for _ in range(3):
        lab.enqueue(gate=BURST)
    assert len(lab.claim(10)) == 3
    lab.clock.move(2 * EVERY_MS)
    for _ in range(3):
        lab.enqueue(gate=BURST)
    assert (len(lab.claim(10)), lab.at_gate(NAME)) == (2, (5, 1))


def test_a_long_rest_regains_no_more_than_the_burst(lab: Lab):
    lab.enqueue(gate=BURST)
    lab.claim(10)
    lab.clock.move(100 * EVERY_MS)
    for _ in range(6):
        lab.enqueue(gate=BURST)
    assert len(lab.claim(10)) == 3


@pytest.mark.parametrize(
    ("interval_us", "burst", "expected"),
    [
        (1_500, 1, [0, 2, 4, 6, 8]),  # each pass is counted from the millisecond in which it happened
        (1_500, 2, [0, 0, 2, 3, 5, 6]),
        (333, 4, [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]),
        (1_000, 1, [0, 1, 2, 3]),
        (999_999, 1, [0, 1_000, 2_000]),
    ],
)
def test_microseconds_count(lab: Lab, interval_us: int, burst: int, expected: list[int]):
    gate = Gate(NAME, interval_us=interval_us, burst=burst)
    for _ in expected:
        lab.enqueue(gate=gate)
    began, passed = lab.now, []
    while len(passed) < len(expected):
        reply = lab.exchange(want=20)
        passed += [lab.now - began] * len(reply.claims)
        if len(passed) < len(expected):
            assert reply.next_due_ms > lab.now
            lab.clock.move(reply.next_due_ms - lab.now)
    assert passed == expected


def test_the_wanted_number_bounds_how_many_pass(lab: Lab):
    for _ in range(9):
        lab.enqueue(gate=BURST)
    lab.claim(9)
    lab.clock.move(100 * EVERY_MS)
    assert len(lab.claim(2)) == 2
    assert (lab.at_gate(NAME), lab.count(State.PENDING)) == ((5, 4), 0)
    assert len(lab.claim(9)) == 1


def test_asking_for_nothing_lets_nobody_pass(lab: Lab):
    for _ in range(2):
        lab.enqueue(gate=RATE)
    lab.claim(1)
    lab.claim(1)
    lab.clock.move(2 * EVERY_MS)
    reply = lab.exchange(want=0)
    assert (lab.at_gate(NAME), lab.count(State.PENDING)) == ((1, 1), 0)
    assert 0 < reply.next_due_ms <= lab.now
    assert len(lab.claim(1)) == 1


@covers("pause", State.HELD)
def test_a_paused_queue_spends_nothing_and_promises_nothing(lab: Lab):
    for _ in range(3):
        lab.enqueue(gate=RATE)
    lab.claim(10)
    lab.store.pause("mail", "maintenance")
    lab.clock.move(10 * EVERY_MS)
    reply = lab.exchange(want=10)
    assert (list(reply.claims), reply.next_due_ms, reply.is_paused) == ([], 0, True)
    assert (lab.at_gate(NAME), lab.gate(NAME).next_ms) == ((1, 2), 0)
    lab.store.resume("mail")
    resumed = lab.exchange(want=10)
    assert (len(resumed.claims), resumed.next_due_ms) == (1, lab.now + EVERY_MS)


@each_state("rate")
def test_what_was_spent_is_not_given_back(lab: Lab, state: State):
    """Wherever the job that passed goes from there, the next one waits its time."""
    claim = lab.start(gate=RATE)
    lab.clock.move(1)
    if state is State.RUNNING:
        lab.store.renew("mail", keys([claim]), LEASE_MS)
    else:
        lab.finish(claim, state, delay_ms=HOUR_MS if state in (State.FAILED, State.SCHEDULED) else 0)
    assert lab.state(claim.ref) is state
    assert lab.gate(NAME).next_ms == lab.now - 1 + EVERY_MS
    lab.enqueue(gate=RATE)
    assert times_of(lab, 1) == [EVERY_MS - 1]


def test_a_release_gives_nothing_of_the_rate_back(lab: Lab):
    claim = lab.start(gate=RATE)
    lab.store.release("mail", keys([claim]))
    assert lab.claim(10) == []
    lab.clock.move(EVERY_MS)
    assert raws(lab.claim(10)) == [claim.raw]


def test_the_same_call_again_spends_nothing(lab: Lab):
    for _ in range(3):
        lab.enqueue(gate=RATE)
    first = lab.exchange(want=10)
    lab.clock.move(EVERY_MS)
    again = lab.exchange(want=10, call=lab.last_call())
    assert again.claims == first.claims
    assert (lab.at_gate(NAME), lab.gate(NAME).next_ms) == ((1, 2), 0)


def test_a_burst_that_waits_passes_in_run_order(lab: Lab):
    for _ in range(3):
        lab.start(gate=BURST)
    low, middle, high = (lab.enqueue(gate=BURST, priority=priority) for priority in (-1, 0, 1))
    lab.claim(10)
    lab.clock.move(4 * EVERY_MS)
    assert raws(lab.claim(10)) == raws([high, middle, low])


def test_a_job_run_now_by_hand_costs_the_rate_nothing(lab: Lab):
    for _ in range(2):
        lab.enqueue(gate=RATE)
    by_hand = lab.enqueue(gate=RATE)
    began = lab.now
    lab.claim(10)
    lab.clock.move(10)
    lab.act(Verb.RETRY, by_hand)
    assert raws(lab.claim(10)) == [by_hand.raw]
    assert (lab.at_gate(NAME), lab.gate(NAME).next_ms) == ((2, 1), began + EVERY_MS)


def test_a_limit_and_a_rate_both_have_to_allow_it(lab: Lab):
    both = Gate(NAME, limit=1, interval_us=EVERY_MS * 1000)
    first, second, third = (lab.enqueue(gate=both) for _ in range(3))
    began = lab.now
    [claim] = lab.claim(10)
    assert (claim.raw, lab.exchange().next_due_ms) == (first.raw, 0)  # no slot: time alone opens nothing
    lab.clock.move(50)
    reply = lab.settle(claim, State.COMPLETED, want=10)
    assert (list(reply.claims), reply.next_due_ms) == ([], began + EVERY_MS)
    lab.clock.move(EVERY_MS - 50)
    [claim] = lab.claim(10)
    assert claim.raw == second.raw
    lab.clock.move(5 * EVERY_MS)
    assert lab.claim(10) == []  # its time has come, its slot has not
    assert raws(lab.settle(claim, State.COMPLETED, want=10).claims) == [third.raw]
    assert lab.gate(NAME).next_ms == lab.now + EVERY_MS


def test_a_free_slot_lets_no_more_pass_than_the_rate(lab: Lab):
    both = Gate(NAME, limit=3, interval_us=EVERY_MS * 1000, burst=3)
    for _ in range(9):
        lab.enqueue(gate=both)
    claims = lab.claim(10)
    lab.clock.move(2 * EVERY_MS)
    reply = lab.exchange(*(end(claim, State.COMPLETED) for claim in claims), want=10)
    assert (len(claims), len(reply.claims), lab.at_gate(NAME)) == (3, 2, (2, 4))
    assert reply.next_due_ms == lab.now + EVERY_MS


def test_a_faster_rate_counts_from_the_newest_comer_on(lab: Lab):
    for _ in range(2):
        lab.enqueue(gate=Gate(NAME, interval_us=HOUR_MS * 1000, burst=2))
    lab.claim(10)
    waiting = lab.enqueue(gate=Gate(NAME, interval_us=HOUR_MS * 1000, burst=2))
    assert lab.exchange(want=10).next_due_ms == lab.now + HOUR_MS
    lab.enqueue(gate=Gate(NAME, interval_us=HOUR_MS * 1000, burst=3))
    assert lab.claim(10) == []
    assert raws(lab.claim(10)) == [waiting.raw]


def test_a_dropped_rate_leaves_nobody_waiting(lab: Lab):
    jobs = [lab.enqueue(gate=Gate(NAME, interval_us=HOUR_MS * 1000)) for _ in range(3)]
    lab.claim(10)
    jobs.append(lab.enqueue(gate=Gate(NAME, limit=10)))
    lab.claim(10)
    lab.claim(10)
    assert {lab.state(ref) for ref in jobs} == {State.RUNNING}
    assert lab.gate(NAME) == GateInfo(gate=Gate(NAME, limit=10), used=4, waiting=0, next_ms=0)


def test_two_rates_do_not_disturb_each_other(lab: Lab):
    slow = Gate("rate:shop.bill", interval_us=HOUR_MS * 1000)
    for gate in (slow, RATE):
        for _ in range(2):
            lab.enqueue(gate=gate)
    assert len(lab.claim(10)) == 2
    assert lab.exchange(want=10).next_due_ms == lab.now + EVERY_MS
    lab.clock.move(EVERY_MS)
    reply = lab.exchange(want=10)
    assert (len(reply.claims), reply.next_due_ms) == (1, lab.now - EVERY_MS + HOUR_MS)


def test_a_rate_is_remembered_until_it_is_at_rest(lab: Lab):
    """Nobody has passed or waits, and still the next one may not pass yet; no janitor changes that."""
    lab.finish(lab.start(gate=RATE), State.COMPLETED)
    assert lab.gate(NAME) == GateInfo(gate=RATE, used=0, waiting=0, next_ms=lab.now + EVERY_MS)
    lab.store.trim("mail", Retention(), 100)
    lab.clock.move(1)
    lab.enqueue(gate=RATE)
    assert lab.claim(1) == []
    lab.clock.move(EVERY_MS)
    lab.finish(lab.claim_one(), State.COMPLETED)
    lab.clock.move(EVERY_MS)
    assert lab.gate(NAME) is None


@pytest.mark.parametrize("trims", [False, True])
def test_a_burst_is_remembered_until_it_is_whole_again(lab: Lab, *, trims: bool):
    """The gate is open, but not as wide as after a rest."""
    lab.finish(lab.start(gate=BURST), State.COMPLETED)
    if trims:
        lab.store.trim("mail", Retention(), 100)
    for _ in range(4):
        lab.enqueue(gate=BURST)
    assert len(lab.claim(10)) == 2
