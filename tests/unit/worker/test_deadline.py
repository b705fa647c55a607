"""When a running handler is interrupted, written off, and costs its process."""

from core.worker.attempt import Attempt, Finished
from core.worker.deadline import LOOK_EVERY_S, Deadlines
from core.worker.interrupts import CancelInterrupt, Interrupt, LeaseInterrupt, TimeoutInterrupt
from core.worker.timeouts import RECYCLE_S, STUBBORN_S
from tests.unit.worker.bench import Bench


class DeafSeat:
    """Counts the strikes; the handler in it goes on."""

    def __init__(self, *, lands: bool = True) -> None:
        self.struck: list[type[Interrupt]] = []
        self.lands = lands

    def interrupt(self, attempt: Attempt, kind: type[Interrupt]) -> bool:
        self.struck.append(kind)
        return self.lands


def work() -> None:
    """Something to claim."""


def test_it_looks_again_at_the_soonest_deadline(bench: Bench) -> None:
    attempt = _running(bench)
    deadlines = Deadlines(bench.slots)
    assert deadlines.look(attempt.deadline - 0.1) == attempt.deadline
    assert deadlines.look(attempt.deadline - 100) == attempt.deadline - 100 + LOOK_EVERY_S


def test_past_its_timeout_it_is_struck_once_and_then_written_off(bench: Bench) -> None:
    attempt, deadlines = _running(bench), Deadlines(bench.slots)
    for after in (-0.1, 0.0, 0.3, 3.0, STUBBORN_S):
        deadlines.look(attempt.deadline + after)
    assert attempt.seat.struck == [TimeoutInterrupt]
    assert attempt.is_written_off


def test_a_strike_that_did_not_arrive_is_tried_again(bench: Bench) -> None:
    attempt, deadlines = _running(bench, lands=False), Deadlines(bench.slots)
    for after in (0.0, 0.3, 0.6):
        deadlines.look(attempt.deadline + after)
    assert attempt.seat.struck == [TimeoutInterrupt] * 3


def test_a_cancelled_handler_that_goes_on_meets_its_timeout(bench: Bench) -> None:
    attempt, deadlines = _running(bench), Deadlines(bench.slots)
    attempt.ask_to_stop(CancelInterrupt, attempt.started)
    deadlines.look(attempt.started + 1)
    deadlines.look(attempt.deadline)
    assert attempt.seat.struck == [CancelInterrupt, TimeoutInterrupt]


def test_a_notice_of_the_keeper_stops_the_attempt_it_is_about(bench: Bench) -> None:
    attempt, deadlines = _running(bench), Deadlines(bench.slots)
    bench.region.notify(attempt.index, attempt.claim.token - 1)
    deadlines.look(attempt.started)
    assert attempt.interrupt is None
    bench.region.notify(attempt.index, attempt.claim.token)
    deadlines.look(attempt.started)
    assert attempt.interrupt is LeaseInterrupt


def test_the_process_ends_once_the_others_are_done_or_have_had_their_time(bench: Bench) -> None:
    stuck, neighbour = _running(bench), _running(bench)
    deadlines = Deadlines(bench.slots)
    now = stuck.deadline + STUBBORN_S
    neighbour.deadline += 1000
    deadlines.look(now)
    assert not deadlines.must_recycle(now)
    assert deadlines.must_recycle(stuck.deadline + RECYCLE_S)
    bench.slots.finish(Finished(neighbour, None))
    assert not deadlines.must_recycle(now), "it is not settled yet"
    bench.slots.collect(1)
    assert deadlines.must_recycle(now)


def _running(bench: Bench, *, lands: bool = True) -> Attempt:
    attempt = bench.started(work)
    attempt.seat = DeafSeat(lands=lands)
    return attempt
