"""The buffer follows run time: short jobs are fetched ahead, long ones are not."""

import pytest

from core.worker.pace import Pace


def test_nothing_is_buffered_before_the_first_job_has_shown_how_long_one_takes() -> None:
    assert Pace(slots=4, most=100).buffer == 0


@pytest.mark.parametrize(
    ("slots", "run_s", "buffer"),
    [(4, 0.00005, 100), (50, 0.01, 100), (4, 0.01, 8), (1, 0.015, 1), (4, 0.1, 0), (4, 60.0, 0)],
)
def test_the_buffer_is_what_the_slots_start_within_the_window(slots: int, run_s: float, buffer: int) -> None:
    pace = Pace(slots=slots, most=100)
    for _ in range(50):
        pace.ran(run_s)
    assert pace.buffer == buffer


def test_one_long_batch_shrinks_it_at_once_and_short_ones_grow_it_slowly() -> None:
    pace = Pace(slots=4, most=100)
    pace.ran(0.0001)
    pace.ran(1.0)
    assert pace.buffer == 0
    pace.ran(0.0001)
    assert pace.buffer == 0
    for _ in range(60):
        pace.ran(0.0001)
    assert pace.buffer == 100


def test_claims_that_did_not_start_count_as_long_runs() -> None:
    pace = Pace(slots=4, most=100)
    pace.ran(0.0001)
    pace.stalled()
    assert pace.buffer == 0


def test_a_slow_store_widens_the_window_and_an_outage_does_not() -> None:
    near, far, away = (Pace(slots=4, most=100) for _ in range(3))
    for pace, trip in ((near, 0.0001), (far, 0.02), (away, 60.0)):
        pace.ran(0.02)
        for _ in range(30):
            pace.exchanged(trip)
    assert near.buffer == 4
    assert 14 <= far.buffer <= 16
    assert 19 <= away.buffer <= 20
