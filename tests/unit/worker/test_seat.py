"""A handler in a thread is interrupted inside its run, and nowhere else."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from core.worker.interrupts import CancelInterrupt, TimeoutInterrupt
from core.worker.seat import ThreadSeat
from tests.unit.worker.bench import Bench


def _job() -> None:
    """Something to claim."""


def test_an_interrupt_stops_a_loop_past_its_except_exception(bench: Bench) -> None:
    attempt, seat, began = bench.started(_job), ThreadSeat(), threading.Event()
    outcome: list[BaseException] = []

    def handler() -> None:
        began.set()
        while True:
            try:
                time.sleep(0.001)
            except Exception:
                continue

    thread = _run(seat, attempt, handler, outcome)
    assert began.wait(5)
    assert seat.interrupt(attempt, TimeoutInterrupt)
    thread.join(5)
    assert [type(error) for error in outcome] == [TimeoutInterrupt]


def test_nobody_is_interrupted_for_an_attempt_that_has_left(bench: Bench) -> None:
    attempt, seat = bench.started(_job), ThreadSeat()
    seat.sit()
    assert seat.run(attempt, lambda: 42) == 42
    assert not seat.interrupt(attempt, TimeoutInterrupt)
    for _ in range(1000):
        pass


def test_an_attempt_that_was_asked_to_stop_before_does_not_start(bench: Bench) -> None:
    attempt, seat, ran = bench.started(_job), ThreadSeat(), []
    seat.sit()
    attempt.ask_to_stop(CancelInterrupt, time.monotonic())
    with pytest.raises(CancelInterrupt):
        seat.run(attempt, lambda: ran.append(1))
    assert not ran


@pytest.mark.slow
def test_interrupts_at_any_moment_of_short_handlers_never_leave_the_run(bench: Bench) -> None:
    """Thousands of handlers end just as they are struck: each ends whole or interrupted, and the code after it runs."""
    seat, attempt = ThreadSeat(), bench.started(_job)
    ended: list[str] = []
    is_over = threading.Event()

    def work() -> None:
        seat.sit()
        for _ in range(3000):
            try:
                seat.run(attempt, lambda: sum(range(50)))
                word = "whole"
            except TimeoutInterrupt:
                word = "interrupted"
            ended.append(word)
        is_over.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not is_over.is_set() and thread.is_alive():
        seat.interrupt(attempt, TimeoutInterrupt)
        time.sleep(0.0002)
    thread.join(10)
    assert len(ended) == 3000
    assert set(ended) <= {"whole", "interrupted"}


def _run(seat: ThreadSeat, attempt: Any, handler: Callable[[], Any], outcome: list[BaseException]) -> threading.Thread:
    def work() -> None:
        seat.sit()
        try:
            seat.run(attempt, handler)
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread
