"""The policy after an attempt, outcome by outcome."""

from datetime import timedelta

import msgspec
import pytest

from core.errors import Cancelled, InvalidArguments, PermanentError, Snooze, TemporaryError
from core.model.job import Claim
from core.model.outcome import (
    MAX_LOSSES,
    Charge,
    Decision,
    cut_text,
    decide,
    decide_crashed,
    decide_late,
    decide_lost,
    detail_of,
    first_line,
)
from core.model.retry import Retry
from core.model.states import State

RETRY = Retry(max_attempts=3, base=10, jitter="none")


def claim(attempts: int = 1, *, forgiven: int = 0, losses: int = 0, max_attempts: int = 3) -> Claim:
    return Claim(
        queue="q", raw=b"r" * 14, token=1, task="t", arguments=b"\x80", options=b"", priority=0,
        max_attempts=max_attempts, attempts=attempts, forgiven=forgiven, losses=losses, enqueued_ms=0, ready_ms=0,
        claimed_ms=0,
    )  # fmt: skip


def after(error: BaseException | None, job: Claim | None = None, *, cancel_asked: bool = False) -> Decision:
    return decide(job or claim(), error, RETRY, chance=0.0, cancel_asked=cancel_asked, now_ms=0)


def test_no_error_completes() -> None:
    assert after(None).state is State.COMPLETED


def test_a_completion_wins_over_a_cancellation_that_comes_after_it() -> None:
    assert after(None, cancel_asked=True).state is State.COMPLETED


def test_any_error_is_tried_again_after_its_backoff() -> None:
    assert after(ValueError("x"), claim(1)) == Decision(State.FAILED, delay_ms=10_000)
    assert after(ValueError("x"), claim(2)) == Decision(State.FAILED, delay_ms=20_000)


def test_the_last_try_kills() -> None:
    assert after(ValueError("x"), claim(3)) == Decision(State.DEAD, reason="retries used up")


def test_forgiven_attempts_do_not_count() -> None:
    assert after(ValueError("x"), claim(4, forgiven=2)).state is State.FAILED
    assert after(ValueError("x"), claim(5, forgiven=2)).state is State.DEAD


def test_a_temporary_error_says_when() -> None:
    assert after(TemporaryError("later", retry_after=timedelta(seconds=7))).delay_ms == 7_000


def test_a_temporary_error_uses_tries_up_like_any_other() -> None:
    assert after(TemporaryError("later", retry_after=7), claim(3)).state is State.DEAD


@pytest.mark.parametrize("error", [PermanentError("no"), InvalidArguments("bad", path="$.arguments.to")])
def test_permanent_and_validation_errors_kill_at_once(error: BaseException) -> None:
    assert after(error) == Decision(State.DEAD, reason="permanent error")


def test_a_snooze_uses_no_attempt() -> None:
    assert after(Snooze(2.5), claim(3)) == Decision(State.SCHEDULED, Charge.RETURNED, 2_500)


def test_a_handler_may_cancel_itself() -> None:
    assert after(Cancelled("not wanted any more")) == Decision(State.CANCELLED, reason="not wanted any more")


def test_a_failure_under_a_cancellation_is_the_cancellation() -> None:
    assert after(ValueError("x"), cancel_asked=True).state is State.CANCELLED


def test_a_lost_lease_is_no_try() -> None:
    assert decide_lost(claim()).state is State.PENDING
    assert decide_lost(claim()).charge is Charge.LOST


def test_a_job_that_is_there_whenever_workers_die_ends_dead() -> None:
    decision = decide_lost(claim(losses=MAX_LOSSES - 1))
    assert decision.state is State.DEAD
    assert str(MAX_LOSSES) in decision.reason


def test_an_error_as_data_can_always_be_stored() -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    for error in (ValueError("a\x00b\ud800"), ValueError("x" * 10_000_000), SilentError()):
        detail = detail_of(error)
        packed = msgspec.msgpack.encode(detail)
        assert len(packed) < 80 * 1024
        assert b"\x00b" not in detail.message.encode()


def test_an_error_is_named_as_its_user_knows_it() -> None:
    assert detail_of(PermanentError("x")).type == "PermanentError"
    assert detail_of(ValueError("x")).type == "ValueError"
    assert detail_of(msgspec.ValidationError("x")).type == "msgspec.ValidationError"


def test_a_long_text_keeps_head_and_tail() -> None:
    cut = cut_text("head" + "x" * 100_000 + "tail", 1_000)
    assert cut.startswith("head")
    assert cut.endswith("tail")
    assert "truncated: 100008 bytes" in cut
    assert len(cut.encode()) <= 1_000


def test_one_line_of_a_message() -> None:
    assert first_line("\n  what\nmore") == "what"
    assert len(first_line("x" * 500)) == 200


@pytest.mark.parametrize(
    ("error", "now_ms", "expected"),
    [
        (ValueError("x"), 89_999, Decision(State.FAILED, delay_ms=10_000)),
        (ValueError("x"), 90_000, Decision(State.DEAD, reason="expired: its next try would come too late")),
        (Snooze(timedelta(seconds=9)), 90_000, Decision(State.SCHEDULED, Charge.RETURNED, 9_000)),
    ],
)
def test_a_try_that_would_come_after_the_deadline_is_not_waited_for(
    error: Exception, now_ms: int, expected: Decision
) -> None:
    decided = decide(claim(), error, RETRY, chance=0.0, cancel_asked=False, now_ms=now_ms, deadline_ms=100_000)
    assert decided == expected


def test_a_snooze_beyond_the_deadline_cancels() -> None:
    error = Snooze(timedelta(seconds=10))
    decided = decide(claim(), error, RETRY, chance=0.0, cancel_asked=False, now_ms=90_000, deadline_ms=100_000)
    assert (decided.state, decided.charge) == (State.CANCELLED, Charge.RETURNED)


def test_a_claim_after_its_deadline_is_cancelled_unless_a_person_let_it_run() -> None:
    late = msgspec.structs.replace(claim(), claimed_ms=2_500)
    assert decide_late(late, 0) is None
    assert decide_late(late, 2_501) is None
    decided = decide_late(late, 1_000)
    assert decided == Decision(State.CANCELLED, Charge.RETURNED, reason="expired: its turn came 1.5 s too late")
    assert decide_late(msgspec.structs.replace(late, ready_ms=1_000), 1_000) is None


def test_a_job_that_kills_its_process_alone_is_dead_the_third_time() -> None:
    decided = [decide_crashed(msgspec.structs.replace(claim(), crashes=n), "signal SIGSEGV") for n in range(3)]
    assert [one.state for one in decided] == [State.PENDING, State.PENDING, State.DEAD]
    assert {one.charge for one in decided} == {Charge.CRASHED}
    assert decided[2].reason == "its process died 3 times while it ran alone: signal SIGSEGV"
