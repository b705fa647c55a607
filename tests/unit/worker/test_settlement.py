"""What a handler's end becomes in the store's words."""

import msgspec
import pytest

from core.errors import Cancelled, PermanentError, Snooze
from core.model.outcome import AttemptLine, Charge, ErrorDetail, Outcome
from core.model.states import State
from core.worker.attempt import Finished
from core.worker.interrupts import CancelInterrupt, LeaseInterrupt, StopInterrupt, TimeoutInterrupt
from tests.unit.worker.bench import Bench


def work(n: int = 1) -> int:
    return n


def test_a_result_is_packed_and_the_line_tells_of_the_attempt(bench: Bench) -> None:
    attempt = bench.started(work)
    finished = bench.settlement.completed(attempt, {"a": 1})
    outcome = _outcome(finished)
    assert (outcome.state, outcome.result, outcome.stream) == (State.COMPLETED, b"\x81\xa1a\x01", "completed")
    line = msgspec.msgpack.decode(outcome.line, type=AttemptLine)
    assert (line.task, line.attempt, line.state, line.worker) == ("work", 1, "completed", "bench")
    assert finished.name == "completed"


def test_a_failure_keeps_its_traceback_without_the_workers_own_frames(bench: Bench) -> None:
    attempt = bench.started(work)
    try:
        raise ValueError("no\nsecond line")
    except ValueError as error:
        finished = bench.settlement.failed(attempt, error)
    outcome = _outcome(finished)
    assert outcome.error is not None
    detail = msgspec.msgpack.decode(outcome.error, type=ErrorDetail)
    assert (outcome.state, outcome.stream, detail.type) == (State.FAILED, "failures", "ValueError")
    assert outcome.delay_ms >= 60_000
    assert "test_settlement.py" in detail.traceback
    assert "core/worker" not in detail.traceback
    assert msgspec.msgpack.decode(outcome.line, type=AttemptLine).error_line == "no"


@pytest.mark.parametrize(
    ("error", "state", "charge"),
    [
        (PermanentError("never"), State.DEAD, Charge.COUNTED),
        (Cancelled("enough"), State.CANCELLED, Charge.COUNTED),
        (Snooze(60), State.SCHEDULED, Charge.RETURNED),
        (SystemExit(0), State.FAILED, Charge.COUNTED),
        (KeyboardInterrupt(), State.FAILED, Charge.COUNTED),
    ],
)
def test_what_a_handler_raises_says_what_it_means(
    bench: Bench, error: BaseException, state: State, charge: Charge
) -> None:
    outcome = _outcome(bench.settlement.failed(bench.started(work), error))
    assert (outcome.state, outcome.charge) == (state, charge)


def test_a_timeout_is_told_as_one(bench: Bench) -> None:
    attempt = bench.started(work)
    attempt.deadline = attempt.started + 1.5
    attempt.ask_to_stop(TimeoutInterrupt, attempt.deadline)
    outcome = _outcome(bench.settlement.failed(attempt, TimeoutInterrupt()))
    assert outcome.error is not None
    detail = msgspec.msgpack.decode(outcome.error, type=ErrorDetail)
    assert (detail.type, detail.message) == ("TimeoutError", "ran longer than its timeout of 1.5 s")
    assert outcome.state is State.FAILED


@pytest.mark.parametrize("error", [CancelInterrupt(), TimeoutInterrupt(), ValueError("broke while stopping")])
def test_a_cancelled_job_ends_cancelled_however_its_handler_ended(bench: Bench, error: BaseException) -> None:
    attempt = bench.started(work)
    attempt.ask_to_stop(CancelInterrupt, 1.0)
    if isinstance(error, TimeoutInterrupt):
        attempt.ask_to_stop(TimeoutInterrupt, 2.0)
    assert _outcome(bench.settlement.failed(attempt, error)).state is State.CANCELLED


def test_a_completion_before_the_cancellation_arrived_wins(bench: Bench) -> None:
    attempt = bench.started(work)
    attempt.ask_to_stop(CancelInterrupt, 1.0)
    assert _outcome(bench.settlement.completed(attempt, 1)).state is State.COMPLETED


def test_without_a_lease_there_is_nothing_to_say(bench: Bench) -> None:
    attempt = bench.started(work)
    attempt.ask_to_stop(LeaseInterrupt, 1.0)
    attempt.ask_to_stop(TimeoutInterrupt, 2.0)
    assert bench.settlement.failed(attempt, LeaseInterrupt()).outcome is None


def test_a_stopped_worker_gives_its_job_back_without_using_up_a_try(bench: Bench) -> None:
    attempt = bench.started(work)
    attempt.ask_to_stop(StopInterrupt, 1.0)
    outcome = _outcome(bench.settlement.failed(attempt, StopInterrupt()))
    assert (outcome.state, outcome.charge, outcome.stream) == (State.PENDING, Charge.RETURNED, "")


def test_a_sample_of_nothing_leaves_completions_out_of_the_journal(bench: Bench) -> None:
    object.__setattr__(bench.jobs.config, "journal_completed", 0.0)
    outcome = _outcome(bench.settlement.completed(bench.started(work), 1))
    assert (outcome.stream, outcome.line != b"") == ("", True)


def _outcome(finished: Finished) -> Outcome:
    assert finished.outcome is not None
    return finished.outcome
