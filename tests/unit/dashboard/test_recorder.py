"""The recorder: each attempt becomes one row, however many recorders run and wherever they are cut off."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest

from core.app import Jobs
from core.backends.contract import Exchange
from core.model.ident import JobRef
from core.model.job import Claim
from core.model.outcome import AttemptLine, ErrorDetail, Outcome
from core.model.retention import Retention
from core.model.states import State, Verb
from jobs_dashboard.bridge import recorder as module
from jobs_dashboard.bridge.recorder import Recorder
from jobs_dashboard.models import AttemptRecord, JobRecord, RecorderCursor

QUEUE = "default"


@dataclass
class Shift:
    """A worker by hand: claims jobs and settles them as it is told."""

    jobs: Jobs
    calls: int = 0
    refs: list[JobRef] = field(default_factory=list)

    def enqueue(self, count: int = 1) -> list[JobRef]:
        return [self.jobs.enqueue("add", a=number).ref for number in range(count)]

    def settle(self, state: State, *, most: int = 100) -> int:
        """Claim what is pending and end it so; one journal entry."""
        claims = self._exchange(want=most).claims
        outcomes = [self._outcome(claim, state) for claim in claims]
        self._exchange(outcomes=outcomes)
        return len(claims)

    def _exchange(self, **what: object) -> object:
        self.calls += 1
        return self.jobs.backend.exchange(Exchange(queue=QUEUE, worker="w", call=self.calls, **what))

    def _outcome(self, claim: Claim, state: State) -> Outcome:
        now = self.jobs.backend.now_ms()
        failed = state is not State.COMPLETED
        line = AttemptLine(
            raw=claim.raw,
            task=claim.task,
            attempt=claim.attempts,
            state=state,
            enqueued_ms=claim.enqueued_ms,
            ready_ms=claim.ready_ms,
            claimed_ms=claim.claimed_ms,
            started_ms=now,
            finished_ms=now,
            worker="w@host:1",
            max_attempts=claim.max_attempts,
            tries=claim.tries,
            error_type="ValueError" if failed else "",
            error_line="no" if failed else "",
        )
        return Outcome(
            raw=claim.raw,
            token=claim.token,
            state=state,
            error=msgspec.msgpack.encode(ErrorDetail("ValueError", "no", "…")) if failed else None,
            line=msgspec.msgpack.encode(line),
            stream="failures" if failed else "completed",
        )


@pytest.fixture
def shift(jobs: Jobs) -> Shift:
    return Shift(jobs)


@pytest.mark.django_db
def test_attempts_become_rows_and_jobs_what_their_newest_attempt_left(jobs: Jobs, shift: Shift) -> None:
    [ref] = shift.enqueue()
    shift.settle(State.FAILED)
    jobs.control.act(Verb.RETRY, [ref])
    shift.settle(State.COMPLETED)

    assert Recorder(jobs.backend).turn() == 2

    record = JobRecord.objects.get()
    assert (record.job_id, record.state, record.attempts, record.error_type) == (str(ref), "completed", 2, "")
    assert list(record.runs.values_list("attempt", "state", "error_line")) == [
        (1, "failed", "no"),
        (2, "completed", ""),
    ]


@pytest.mark.django_db
def test_a_second_turn_and_a_second_recorder_write_nothing_again(jobs: Jobs, shift: Shift) -> None:
    shift.enqueue(3)
    shift.settle(State.COMPLETED)
    Recorder(jobs.backend).turn()

    assert Recorder(jobs.backend).turn() == 0
    shift.enqueue(2)
    shift.settle(State.DEAD)
    assert Recorder(jobs.backend).turn() == 2

    assert AttemptRecord.objects.count() == 5
    assert not RecorderCursor.objects.exclude(gap_at=None).exists()


@pytest.mark.django_db
def test_it_reads_on_in_bounded_steps(jobs: Jobs, shift: Shift) -> None:
    shift.enqueue(7)
    for _ in range(7):
        shift.settle(State.COMPLETED, most=1)
    recorder = Recorder(jobs.backend, entries_at_once=3)

    assert [recorder.turn() for _ in range(4)] == [3, 3, 1, 0]


@pytest.mark.django_db
def test_a_quiet_queue_costs_no_query(jobs: Jobs, shift: Shift, django_assert_num_queries: object) -> None:
    shift.enqueue()
    shift.settle(State.COMPLETED)
    recorder = Recorder(jobs.backend)
    recorder.turn()

    with django_assert_num_queries(0):
        assert recorder.turn() == 0


@pytest.mark.django_db
def test_a_cut_between_rows_and_cursor_leaves_neither(
    jobs: Jobs, shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise RuntimeError("power cut")

    shift.enqueue(2)
    shift.settle(State.COMPLETED)
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_attempts", cut)
        with pytest.raises(RuntimeError):
            Recorder(jobs.backend).turn()

    assert not JobRecord.objects.exists()
    assert Recorder(jobs.backend).turn() == 2
    assert AttemptRecord.objects.count() == 2


@pytest.mark.django_db
def test_a_gap_is_noted_and_what_failed_is_read_from_the_store(jobs: Jobs, shift: Shift) -> None:
    shift.enqueue()
    shift.settle(State.DEAD)
    Recorder(jobs.backend).turn()
    lost = shift.enqueue(3)
    for _ in lost:
        shift.settle(State.DEAD, most=1)
    jobs.backend.trim(QUEUE, Retention(failure_entries=1), 1_000)

    Recorder(jobs.backend).turn()

    assert RecorderCursor.objects.get(queue=QUEUE, stream="failures").gap_at is not None
    remembered = set(JobRecord.objects.values_list("job_id", "state", "error_type"))
    assert {(str(ref), "dead", "ValueError") for ref in lost} <= remembered


@pytest.mark.django_db
def test_trimming_what_was_read_is_no_gap_while_the_cursors_entry_is_kept(jobs: Jobs, shift: Shift) -> None:
    recorder = Recorder(jobs.backend)
    for _ in range(3):
        shift.enqueue()
        shift.settle(State.DEAD)
    recorder.turn()
    jobs.backend.trim(QUEUE, Retention(failure_entries=1), 1_000)
    shift.enqueue()
    shift.settle(State.DEAD)

    assert recorder.turn() == 1
    assert RecorderCursor.objects.get(queue=QUEUE, stream="failures").gap_at is None


@pytest.mark.django_db
def test_an_old_failure_does_not_hide_a_newer_end(jobs: Jobs, shift: Shift) -> None:
    """The streams are read one after the other: a failure may be read after the success that followed it."""
    [ref] = shift.enqueue()
    shift.settle(State.FAILED)
    failures = jobs.backend.journal(QUEUE, "failures", "", 10)
    jobs.control.act(Verb.RETRY, [ref])
    shift.settle(State.COMPLETED)
    Recorder(jobs.backend).turn()

    [old] = msgspec.msgpack.decode(failures[0].lines, type=list[AttemptLine])
    module.write_if_newer([module.record_of_line(QUEUE, msgspec.structs.replace(old, finished_ms=1))])

    assert JobRecord.objects.get().state == "completed"


@pytest.mark.django_db
def test_of_two_recorders_that_read_the_same_one_writes_and_the_other_starts_over(jobs: Jobs, shift: Shift) -> None:
    shift.enqueue(2)
    shift.settle(State.COMPLETED)
    rival = Recorder(jobs.backend)

    class Overtaken(Recorder):
        def _write(self, *what: object) -> int | None:
            rival.turn()
            return super()._write(*what)

    slow = Overtaken(jobs.backend)

    assert [slow.turn(), slow.turn()] == [0, 0]
    assert AttemptRecord.objects.count() == 2
