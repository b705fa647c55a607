"""How many claims are asked for, and when unstarted ones go back."""

from core.worker.appetite import STALL_S, Appetite
from core.worker.attempt import Finished
from tests.unit.worker.bench import Bench


def work() -> None:
    """Something to claim."""


def test_it_asks_for_what_the_free_slots_can_start(bench: Bench) -> None:
    appetite = Appetite(bench.slots, most=100)
    assert appetite.wanted() == 2
    bench.started(work)
    assert appetite.wanted() == 1
    bench.admitted(work)
    assert appetite.wanted() == 0


def test_short_jobs_fill_a_buffer_that_is_asked_for_again_once_it_is_half_used(bench: Bench) -> None:
    appetite = Appetite(bench.slots, most=100)
    for _ in range(20):
        appetite.ran(0.01)  # two slots start four of these within the window
    assert appetite.low_mark == 2
    for wanted in (6, 5, 4, 0):
        assert appetite.wanted() == wanted
        bench.admitted(work)


def test_it_asks_for_no_more_than_the_table_has_room_for(bench: Bench) -> None:
    appetite = Appetite(bench.slots, most=100)
    for _ in range(20):
        appetite.ran(0.0001)
    assert appetite.wanted() == bench.region.entries


def test_claims_behind_busy_slots_go_back_after_a_while_and_not_before(bench: Bench) -> None:
    appetite = Appetite(bench.slots, most=100)
    bench.started(work)
    bench.started(work)
    assert not appetite.must_give_back(9.0)
    bench.admitted(work)
    appetite.took_in(10.0)
    assert not appetite.must_give_back(10.0 + STALL_S * 0.9)
    assert appetite.must_give_back(10.0 + STALL_S)


def test_a_start_in_between_counts_as_progress(bench: Bench) -> None:
    appetite = Appetite(bench.slots, most=100)
    running = bench.started(work)
    bench.started(work)
    bench.admitted(work)
    bench.admitted(work)
    appetite.must_give_back(10.0)
    bench.slots.finish(Finished(running, None))
    bench.slots.take_for_thread()
    assert not appetite.must_give_back(10.0 + STALL_S)
    assert appetite.must_give_back(10.0 + 2 * STALL_S)


def test_a_slot_that_is_written_off_ends_claiming_and_gives_back_what_waits(bench: Bench) -> None:
    appetite = Appetite(bench.slots, most=100)
    bench.slots.write_off(bench.started(work))
    bench.admitted(work)
    assert appetite.wanted() == 0
    assert appetite.must_give_back(10.0)
