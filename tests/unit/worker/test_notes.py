"""What handlers tell of themselves: when it reaches the store, what is bounded, and what a refusal means."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from core.app import Jobs
from core.backends.contract import Note
from core.errors import StoreError, StoreUnavailable
from core.model.limits import MAX_TEXT_BYTES
from core.model.retry import Retry
from core.model.snapshot import JobSnapshot
from core.model.states import State
from core.tasks.context import JobContext
from core.tasks.notebook import Notebook, Page
from core.tasks.registry import Registry
from core.worker.attempt import Attempt
from core.worker.interrupts import LeaseInterrupt
from core.worker.notes import FLUSH_S, Notes, notebook_of
from tests.unit.worker.bench import Bench

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def running() -> Iterator[Jobs]:
    """With the host's own clock."""
    made = Jobs("memory://", registry=Registry(), poll_interval=0.02)
    with made.running(concurrency=2):
        yield made
    made.close()


def work() -> None:
    """Something to claim."""


def nothing() -> None:
    """Nobody listens."""


def told(attempt: Attempt, notes: Notes) -> Notebook:
    return notebook_of(attempt, notes.announce)


def sending(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[Notes, list[Sequence[Note]], list[Attempt]]:
    """Notes on the bench's store, the calls it makes, and the attempts that turned out lost."""
    calls: list[Sequence[Note]] = []
    lost: list[Attempt] = []
    really = bench.jobs.backend.note

    def noted(queue: str, notes: Sequence[Note]) -> list[bytes]:
        calls.append(notes)
        return really(queue, notes)

    monkeypatch.setattr(bench.jobs.backend, "note", noted)
    return Notes(bench.jobs.backend, give_up=threading.Event(), on_lost=lost.append), calls, lost


def wait_for(jobs: Jobs, job_id: str, seen: Any) -> JobSnapshot:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        job = jobs.get(job_id)
        assert job is not None
        if seen(job):
            return job
        time.sleep(0.01)
    raise AssertionError(f"not seen: {job}")


# While it runs


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_running_handler_tells_is_read_while_it_runs(running: Jobs, is_async: bool) -> None:
    may_end = threading.Event()

    def tell(ctx: JobContext) -> None:
        ctx.progress(3, 4, "pages")
        ctx.log("fetched", page=3)
        ctx.checkpoint({"page": 3})

    def slow(ctx: JobContext) -> str:
        tell(ctx)
        assert may_end.wait(20)
        return "done"

    async def aslow(ctx: JobContext) -> str:
        await asyncio.to_thread(tell, ctx)
        while not may_end.is_set():
            await asyncio.sleep(0.01)
        return "done"

    running.register("slow", aslow if is_async else slow)
    made = running.enqueue("slow")
    job = wait_for(running, made.id, lambda job: job.log and job.checkpoint)
    assert job.state is State.RUNNING
    assert job.progress is not None
    assert (job.progress.done, job.progress.total, job.progress.message, job.progress.ratio) == (3, 4, "pages", 0.75)
    assert job.checkpoint == {"page": 3}
    [heading, line] = job.log.splitlines()
    assert heading == "attempt 1"
    assert line.endswith("Z fetched page=3")
    may_end.set()
    assert running.result(made.id, timeout=20) == "done"


def test_the_last_words_come_before_the_settle(running: Jobs) -> None:
    running.register("brief", lambda ctx: ctx.log("all of it"), takes_context=True)
    made = running.enqueue("brief")
    running.result(made.id, timeout=20)
    job = running.get(made.id)
    assert job is not None
    assert "all of it" in job.log


def test_a_retry_goes_on_from_the_last_checkpoint(running: Jobs) -> None:
    cursors: list[object] = []

    def resumed(ctx: JobContext) -> int:
        cursors.append(ctx.cursor)
        for page in range(ctx.cursor or 0, 4):
            if page == 2 and ctx.attempt == 1:
                raise OSError("the line broke")
            ctx.checkpoint(page + 1)
        return len(cursors)

    running.register("resumed", resumed, retry=Retry(max_attempts=2, backoff="none"))
    made = running.enqueue("resumed")
    assert running.result(made.id, timeout=20) == 2
    assert cursors == [None, 2]


def test_what_cannot_be_a_note_fails_the_attempt_and_is_named(running: Jobs) -> None:
    running.register("wrong", lambda ctx, how: getattr(ctx, how)(object()), takes_context=True)
    for how, path in (("progress", "$.progress.done"), ("checkpoint", "")):
        made = running.enqueue("wrong", how=how)
        job = wait_for(running, made.id, lambda job: job.state.is_final)
        assert job.error is not None
        assert (job.state, job.error.type) == (State.DEAD, "InvalidInput")
        assert path in job.error.message


# How often, and how much


def test_a_job_is_sent_once_a_second_and_only_what_is_new(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    notes, calls, _ = sending(bench, monkeypatch)
    notebook = told(bench.started(work), notes)
    notebook.write(Page(progress=b"\x01"))
    notes.flush(100.0)
    notebook.write(Page(progress=b"\x02"))
    notebook.write(Page(progress=b"\x03", checkpoint=b"\x04"))
    notes.flush(100.0 + FLUSH_S - 0.01)
    assert len(calls) == 1
    notes.flush(100.0 + FLUSH_S)
    notes.flush(200.0)
    assert [(n.progress, n.checkpoint) for call in calls for n in call] == [(b"\x01", None), (b"\x03", b"\x04")]


def test_those_of_one_queue_go_in_one_call(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    notes, calls, _ = sending(bench, monkeypatch)
    for attempt in (bench.started(work), bench.started(work)):
        told(attempt, notes).write(Page(progress=b"\x01"))
    notes.flush(100.0)
    assert [len(call) for call in calls] == [2]


def test_large_notes_are_sent_in_parts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.worker.notes.BATCH_BYTES", 100)
    notes, calls, _ = sending(bench, monkeypatch)
    for attempt in (bench.started(work), bench.started(work)):
        told(attempt, notes).write(Page(checkpoint=b"\x01" * 80))
    notes.flush(100.0)
    assert [len(call) for call in calls] == [1, 1]


def test_a_log_keeps_its_head_and_its_tail() -> None:
    notebook = Notebook(nothing, heading="attempt 1")
    for number in range(20_000):
        notebook.add_line(f"line {number}")
    page = notebook.take()
    assert page is not None
    assert page.log is not None
    assert len(page.log) <= MAX_TEXT_BYTES
    lines = page.log.decode().splitlines()
    assert lines[:2] == ["attempt 1", "line 0"]
    assert lines[-1] == "line 19999"
    assert sum(line.startswith("… ") and line.endswith(" bytes left out …") for line in lines) == 1


def test_a_line_beyond_all_measure_is_cut() -> None:
    notebook = Notebook(nothing)
    notebook.add_line("x" * 1_000_000)
    page = notebook.take()
    assert page is not None
    assert page.log is not None
    assert len(page.log) <= 8 * 1024 + 1


def test_many_threads_write_one_notebook() -> None:
    notebook = Notebook(nothing)
    threads = [threading.Thread(target=lambda: [notebook.add_line("x") for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page = notebook.take()
    assert page is not None
    assert page.log == b"x\n" * 2000


# What a store may say


def test_a_refused_note_tells_the_attempt_that_it_is_lost(running: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []

    def cut_off(ctx: JobContext) -> None:
        try:
            while not ctx.cancelled:
                ctx.progress(1)
                time.sleep(0.01)
            ended.append(ctx.cancelled)
        except LeaseInterrupt:
            ended.append(True)
            raise

    monkeypatch.setattr(running.backend, "note", lambda queue, notes: [note.raw for note in notes])
    running.register("cut_off", cut_off)
    running.enqueue("cut_off")
    deadline = time.monotonic() + 20
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended == [True]


def test_a_store_that_is_away_keeps_no_handler_waiting(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    notes, calls, _ = sending(bench, monkeypatch)
    away = iter([StoreUnavailable("away"), StoreUnavailable("away")])
    inner = bench.jobs.backend.note

    def sometimes(queue: str, those: Sequence[Note]) -> list[bytes]:
        for error in away:
            raise error
        return inner(queue, those)

    monkeypatch.setattr(bench.jobs.backend, "note", sometimes)
    notebook = told(bench.started(work), notes)
    notebook.write(Page(progress=b"\x01"))  # returns at once, whatever the store does
    notes.flush(100.0)
    assert [note.progress for call in calls for note in call] == [b"\x01"]


def test_notes_that_the_store_cannot_take_are_dropped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("no")

    monkeypatch.setattr(bench.jobs.backend, "note", refuse)
    notes = Notes(bench.jobs.backend, give_up=threading.Event(), on_lost=lambda attempt: None)
    told(bench.started(work), notes).write(Page(progress=b"\x01"))
    notes.flush(100.0)
    notes.flush(200.0)


def test_what_is_told_after_the_end_is_refused_and_harms_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    notes, _, lost = sending(bench, monkeypatch)
    attempt = bench.started(work)
    notebook = told(attempt, notes)
    finished = bench.settlement.completed(attempt, None)
    notebook.write(Page(progress=b"\x01"))
    notes.flush_ended([finished])
    assert bench.stored(attempt.claim).progress is None  # it is dropped with the settle, so it is not sent
    bench.jobs.backend.release("default", [(attempt.claim.raw, attempt.claim.token)])
    notebook.add_line("too late")
    notes.flush(100.0)
    assert lost == [attempt]


def test_an_observer_sees_the_log_of_a_failure(running: Jobs) -> None:
    seen: list[JobSnapshot] = []
    told_of = threading.Event()

    @running.on("dead")
    def look(job: JobSnapshot) -> None:
        seen.append(job)
        told_of.set()

    def fails(ctx: JobContext) -> None:
        ctx.log("password=hunter22 sent")
        ctx.progress(1, 2)
        raise ValueError("no")

    running.register("fails", fails, retry=Retry(max_attempts=1))
    running.enqueue("fails")
    assert told_of.wait(20)
    assert "password=*** sent" in seen[0].log
    assert seen[0].progress is not None
    assert seen[0].progress.ratio == 0.5
