"""What becomes of an isolated attempt, by how its process ended: the zygote is played by the test."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from core.app import Jobs
from core.model.job import Claim
from core.model.outcome import Charge, Outcome
from core.model.states import State
from core.worker import wire
from core.worker.attempt import Attempt, Finished
from core.worker.exits import cause_alone
from core.worker.hatch import Ends, Hatch
from core.worker.interrupts import CancelInterrupt, LeaseInterrupt, StopInterrupt, TimeoutInterrupt
from core.worker.isolation import Isolation
from core.worker.settlement import Settlement
from tests.unit.worker.bench import Bench

WAIT_S = 10
NOBODY = 2**22 + 7  # greater than any process number of Linux
Play = Callable[[Ends], None]


def work() -> None:
    """A handler that only the real zygote would run."""


@pytest.fixture
def hatch() -> Iterator[Hatch]:
    made = Hatch()
    yield made
    made.close()


@contextmanager
def played(hatch: Hatch, *plays: Play) -> Iterator[None]:
    """Answer one knock after the other."""

    def serve() -> None:
        for play in plays:
            while (ends := hatch.fetch()) is None:
                time.sleep(0.005)
            ends.line.settimeout(WAIT_S)
            ends.watch.settimeout(WAIT_S)
            play(ends)
            ends.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield
    thread.join(WAIT_S)
    assert not thread.is_alive()


def run(bench: Bench, hatch: Hatch, attempt: Attempt, *plays: Play) -> Finished:
    isolation = Isolation(hatch, bench.settlement, bench.time, on_start=lambda _: None, on_note=lambda _: None)
    with played(hatch, *plays):
        return isolation.run(attempt)


def started(bench: Bench, *, losses: int = 0, crashes: int = 0) -> Attempt:
    attempt = bench.started(work)
    attempt.claim = _with(attempt.claim, losses=losses, crashes=crashes)
    return attempt


def _with(claim: Claim, **fields: int) -> Claim:
    values = {name: getattr(claim, name) for name in claim.__struct_fields__}
    return Claim(**{**values, **fields})


def ends_with(wait_status: int) -> Play:
    def play(ends: Ends) -> None:
        wire.tell(ends.watch, wire.BORN, NOBODY)
        assert isinstance(wire.receive(ends.line), wire.Order)
        wire.tell(ends.watch, wire.ENDED, wait_status)

    return play


def answers(state: State, charge: Charge = Charge.COUNTED, wait_status: int = 0) -> Play:
    def play(ends: Ends) -> None:
        wire.tell(ends.watch, wire.BORN, NOBODY)
        order = wire.receive(ends.line)
        assert isinstance(order, wire.Order)
        outcome = Outcome(order.claim.raw, order.claim.token, state, charge=charge)
        wire.send(ends.line, wire.Answer(outcome, state.value, 0.5))
        wire.tell(ends.watch, wire.ENDED, wait_status)

    return play


def outcome_of(finished: Finished) -> Outcome:
    assert finished.outcome is not None
    return finished.outcome


def test_an_answer_is_the_outcome(bench: Bench, hatch: Hatch) -> None:
    finished = run(bench, hatch, started(bench), answers(State.COMPLETED))
    assert (outcome_of(finished).state, outcome_of(finished).charge) == (State.COMPLETED, Charge.COUNTED)
    assert (finished.name, finished.run_s) == ("completed", 0.5)


@pytest.mark.parametrize(
    ("told", "settled"),
    [(Charge.COUNTED, Charge.CLEARED), (Charge.RETURNED, Charge.RETURNED)],
)
def test_a_suspect_that_ends_by_itself_is_cleared(bench: Bench, hatch: Hatch, told: Charge, settled: Charge) -> None:
    finished = run(bench, hatch, started(bench, losses=2), answers(State.FAILED, told))
    assert outcome_of(finished).charge is settled


def test_who_answered_first_and_died_then_has_answered(bench: Bench, hatch: Hatch) -> None:
    finished = run(bench, hatch, started(bench), answers(State.COMPLETED, wait_status=signal.SIGSEGV))
    assert outcome_of(finished).state is State.COMPLETED


@pytest.mark.parametrize(("crashes", "state"), [(0, State.PENDING), (1, State.PENDING), (2, State.DEAD)])
def test_a_death_is_a_crash_and_the_third_the_last(bench: Bench, hatch: Hatch, crashes: int, state: State) -> None:
    finished = run(bench, hatch, started(bench, crashes=crashes), ends_with(signal.SIGSEGV))
    assert (outcome_of(finished).state, outcome_of(finished).charge) == (state, Charge.CRASHED)
    assert "killed by signal 11 (SIGSEGV)" in outcome_of(finished).reason
    assert finished.name == ("dead" if state is State.DEAD else "lost")


def test_how_many_crashes_are_too_many_is_a_setting(bench: Bench, hatch: Hatch, jobs: Jobs) -> None:
    bench.settlement = Settlement(replace(jobs.config, max_crashes=1), bench.time, worker="bench")
    finished = run(bench, hatch, started(bench), ends_with(3 << 8))
    assert outcome_of(finished).state is State.DEAD
    assert outcome_of(finished).reason.startswith("its process died once while it ran alone: exited with code 3")


def test_the_zygotes_own_death_is_a_loss_and_no_crash(bench: Bench, hatch: Hatch) -> None:
    def dies(ends: Ends) -> None:
        wire.tell(ends.watch, wire.BORN, NOBODY)
        wire.receive(ends.line)

    finished = run(bench, hatch, started(bench), dies)
    assert (outcome_of(finished).state, outcome_of(finished).charge) == (State.PENDING, Charge.LOST)


def test_a_child_that_could_not_be_started_is_asked_for_again(bench: Bench, hatch: Hatch) -> None:
    finished = run(bench, hatch, started(bench), _still, _gone, answers(State.COMPLETED))
    assert outcome_of(finished).state is State.COMPLETED


@pytest.mark.parametrize("kind", [TimeoutInterrupt, StopInterrupt])
def test_who_never_got_a_child_gives_its_attempt_back(
    bench: Bench, hatch: Hatch, kind: type[TimeoutInterrupt | StopInterrupt]
) -> None:
    attempt = started(bench)

    def never(ends: Ends) -> None:
        attempt.ask_to_stop(kind, time.monotonic())

    finished = run(bench, hatch, attempt, never)
    assert (outcome_of(finished).state, outcome_of(finished).charge) == (State.PENDING, Charge.RETURNED)
    assert outcome_of(finished).reason == "no process could be started for it"


def test_an_interrupt_is_a_reason_then_a_signal_then_the_kill(
    bench: Bench, hatch: Hatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.worker.isolation.MERCY_S", 0.2)
    attempt = started(bench)
    heard: list[bytes] = []

    def stubborn(ends: Ends) -> None:
        wire.tell(ends.watch, wire.BORN, NOBODY)
        wire.receive(ends.line)
        while not attempt.was_struck:
            attempt.ask_to_stop(TimeoutInterrupt, time.monotonic())
        heard.extend([ends.line.recv(8), ends.watch.recv(8), ends.watch.recv(8)])
        wire.tell(ends.watch, wire.ENDED, signal.SIGKILL)

    finished = run(bench, hatch, attempt, stubborn)
    assert heard == [b"t", wire.ASK_TO_STOP, wire.KILL]
    assert isinstance(finished.error, TimeoutError)
    assert "did not stop; its process was killed" in str(finished.error)
    assert outcome_of(finished).charge is Charge.COUNTED


@pytest.mark.parametrize(("kind", "state"), [(CancelInterrupt, State.CANCELLED), (StopInterrupt, State.PENDING)])
def test_who_dies_of_the_signal_was_stopped_and_did_not_crash(
    bench: Bench, hatch: Hatch, kind: type[CancelInterrupt | StopInterrupt], state: State
) -> None:
    finished = run(bench, hatch, (attempt := started(bench)), _struck(attempt, kind, signal.SIGTERM))
    assert outcome_of(finished).state is state
    assert outcome_of(finished).charge is not Charge.CRASHED


def test_without_its_lease_nothing_is_settled(bench: Bench, hatch: Hatch) -> None:
    finished = run(bench, hatch, (attempt := started(bench)), _struck(attempt, LeaseInterrupt, signal.SIGKILL))
    assert finished.outcome is None


def test_memory_beyond_the_limit_is_the_cause_of_a_crash(
    bench: Bench, hatch: Hatch, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.register("work", work, isolated=True, memory_limit="64MB")
    monkeypatch.setattr("core.worker.isolation.memory_of", lambda pid: (64 << 20) + 1)

    def grows(ends: Ends) -> None:
        wire.tell(ends.watch, wire.BORN, NOBODY)
        order = wire.receive(ends.line)
        assert isinstance(order, wire.Order)
        assert order.memory_bytes == 64 << 20
        assert ends.watch.recv(8) == wire.KILL
        wire.tell(ends.watch, wire.ENDED, signal.SIGKILL)

    finished = run(bench, hatch, started(bench), grows)
    assert outcome_of(finished).charge is Charge.CRASHED
    assert outcome_of(finished).reason.endswith("out of memory (limit 64 MB)")


def test_cpu_time_used_up_is_a_timeout(bench: Bench, hatch: Hatch, jobs: Jobs) -> None:
    jobs.register("work", work, isolated=True, cpu_limit=7)
    finished = run(bench, hatch, started(bench), ends_with(signal.SIGXCPU))
    assert str(finished.error) == "used up its CPU time of 7 s"
    assert outcome_of(finished).charge is Charge.COUNTED


def test_messages_arrive_in_whatever_pieces() -> None:
    near, far = socket.socketpair()
    answers_sent = [wire.Answer(None, "x" * size, 0.0) for size in (0, 10, 100_000)]
    sender = threading.Thread(target=lambda: [wire.send(far, answer) for answer in answers_sent] and far.close())
    sender.start()
    inbox, found = wire.Inbox(), list[wire.Message]()
    while not inbox.has_ended:
        found += inbox.take_in(near)
    sender.join()
    near.close()
    assert found == answers_sent


def test_the_hatch_hands_over_both_ends(hatch: Hatch) -> None:
    (near_line, far_line), (near_watch, far_watch) = socket.socketpair(), socket.socketpair()
    assert hatch.fetch() is None
    assert hatch.put(Ends(far_line, far_watch, 17))
    far_line.close()
    far_watch.close()
    ends = hatch.fetch()
    assert ends is not None
    near_line.sendall(b"l")
    near_watch.sendall(b"w")
    assert (ends.line.recv(1), ends.watch.recv(1)) == (b"l", b"w")
    assert ends.owner == 17
    for each in (ends.line, ends.watch, near_line, near_watch):
        each.close()


def test_a_full_hatch_says_so(hatch: Hatch) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    ends = Ends(pairs[0][1], pairs[1][1], 17)
    took = 0
    while hatch.put(ends):
        took += 1
        assert took < 100_000
    assert took > 0
    while (fetched := hatch.fetch()) is not None:
        fetched.close()
    for pair in pairs:
        for each in pair:
            each.close()


def test_an_end_without_an_answer_is_told_in_words() -> None:
    assert cause_alone(0) == "exited with code 0 before its handler returned"
    assert cause_alone(4 << 8) == "exited with code 4 before its handler returned"
    assert cause_alone(signal.SIGBUS) == "killed by signal 7 (SIGBUS)"


def _struck(attempt: Attempt, kind: type[CancelInterrupt | StopInterrupt | LeaseInterrupt], number: int) -> Play:
    """A child that dies of what it is sent."""

    def play(ends: Ends) -> None:
        wire.tell(ends.watch, wire.BORN, NOBODY)
        wire.receive(ends.line)
        while not attempt.was_struck:
            attempt.ask_to_stop(kind, time.monotonic())
        wire.tell(ends.watch, wire.ENDED, number)

    return play


def _still(ends: Ends) -> None:
    """The fork failed."""
    wire.tell(ends.watch, wire.STILLBORN)


def _gone(ends: Ends) -> None:
    """The zygote died before it forked."""
