"""The journal: what was settled, batch by batch, for whoever keeps books."""

import msgspec
import pytest

from core.model.outcome import AttemptLine
from core.model.retention import Retention
from core.model.states import State

from .lab import Lab, end
from .matrix import covers

STREAMS = ("failures", "completed")


def line(claim, state: State) -> bytes:
    packed = AttemptLine(claim.raw, claim.task, claim.attempts, state.value, 1, 2, 3, 4, 5, "blue@db:1")
    return msgspec.msgpack.encode(packed)


def entries(lab: Lab, stream: str, after: str = "", limit: int = 100):
    return list(lab.store.journal("mail", stream, after, limit))


def lines(lab: Lab, stream: str, after: str = "", limit: int = 100) -> list[list[AttemptLine]]:
    kept = entries(lab, stream, after, limit)
    return [msgspec.msgpack.decode(entry.lines, type=list[AttemptLine]) for entry in kept]


def write(lab: Lab, stream: str, count: int = 1) -> list[bytes]:
    """Settle so many attempts in one batch, their lines in one stream; answers their raw ids."""
    lab.store.enqueue([lab.job() for _ in range(count)])
    claims = lab.claim(count)
    state = State.DEAD if stream == "failures" else State.COMPLETED
    lab.exchange(*(end(claim, state, line=line(claim, state), stream=stream) for claim in claims))
    return [claim.raw for claim in claims]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_journal_is_empty_at_first(lab: Lab, stream: str):
    lab.enqueue()
    assert entries(lab, stream) == []
    assert (lab.counts().journal_failures, lab.counts().journal_completed) == ("", "")


@pytest.mark.parametrize("stream", STREAMS)
@covers("settle", State.RUNNING)
def test_an_accepted_line_is_written_to_the_stream_it_names(lab: Lab, stream: str):
    [raw] = write(lab, stream)
    [[kept]] = lines(lab, stream)
    assert (kept.raw, kept.task, kept.worker) == (raw, "shop.send", "blue@db:1")
    other = STREAMS[1 - STREAMS.index(stream)]
    assert entries(lab, other) == []


def test_an_outcome_that_names_no_stream_is_not_in_the_journal(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED, line=line(claim, State.COMPLETED))
    assert [entries(lab, stream) for stream in STREAMS] == [[], []]


@pytest.mark.parametrize("count", [1, 2, 15, 16, 100, 300])
def test_a_batch_is_one_entry_with_its_lines_in_order(lab: Lab, count: int):
    written = write(lab, "completed", count)
    [batch] = lines(lab, "completed")
    assert [kept.raw for kept in batch] == written


def test_a_batch_of_both_kinds_is_one_entry_in_each_stream(lab: Lab):
    good, bad = lab.start(), lab.start()
    lab.exchange(
        end(good, State.COMPLETED, line=line(good, State.COMPLETED), stream="completed"),
        end(bad, State.DEAD, line=line(bad, State.DEAD), stream="failures"),
    )
    assert [[kept.raw for kept in batch] for batch in lines(lab, "completed")] == [[good.raw]]
    assert [[kept.raw for kept in batch] for batch in lines(lab, "failures")] == [[bad.raw]]


def test_a_refused_outcome_is_not_in_the_journal(lab: Lab):
    stale, good = lab.outlived(State.CANCELLED), lab.start()
    lab.exchange(*(end(claim, State.DEAD, line=line(claim, State.DEAD), stream="failures") for claim in (stale, good)))
    [[kept]] = lines(lab, "failures")
    assert kept.raw == good.raw


def test_a_batch_that_was_refused_whole_is_no_entry(lab: Lab):
    stale = lab.outlived(State.CANCELLED)
    lab.exchange(end(stale, State.DEAD, line=line(stale, State.DEAD), stream="failures"))
    assert entries(lab, "failures") == []


def test_entries_come_in_the_order_they_were_written(lab: Lab):
    written = [write(lab, "failures") for _ in range(12)]
    assert [[kept.raw for kept in batch] for batch in lines(lab, "failures")] == written


def test_reading_after_a_position_gives_what_came_later(lab: Lab):
    written = [write(lab, "failures") for _ in range(12)]
    for n, entry in enumerate(entries(lab, "failures"), start=1):
        later = [[kept.raw for kept in batch] for batch in lines(lab, "failures", after=entry.position)]
        assert later == written[n:]


def test_no_more_entries_are_read_than_asked_for_the_oldest_first(lab: Lab):
    written = [write(lab, "failures") for _ in range(5)]
    assert [[kept.raw for kept in batch] for batch in lines(lab, "failures", limit=2)] == written[:2]


def test_positions_are_all_different(lab: Lab):
    for _ in range(12):
        write(lab, "failures")
    positions = [entry.position for entry in entries(lab, "failures")]
    assert len(set(positions)) == 12


def test_a_position_stays_good_when_the_clock_goes_back(lab: Lab):
    write(lab, "failures")
    position = entries(lab, "failures")[-1].position
    lab.clock.move(-3_600_000)
    written = write(lab, "failures")
    [[kept]] = lines(lab, "failures", after=position)
    assert [kept.raw] == written


def test_a_position_that_was_trimmed_leads_to_the_oldest_that_is_kept(lab: Lab):
    written = [write(lab, "failures") for _ in range(6)]
    first = entries(lab, "failures")[0].position
    lab.store.trim("mail", Retention(failure_entries=2), 100)
    kept = [[kept.raw for kept in batch] for batch in lines(lab, "failures", after=first)]
    assert kept == written[-2:]


def test_positions_go_on_after_the_journal_was_trimmed(lab: Lab):
    for _ in range(3):
        write(lab, "failures")
    newest = lab.counts().journal_failures
    lab.store.trim("mail", Retention(failure_entries=1), 100)
    written = write(lab, "failures")
    [[kept]] = lines(lab, "failures", after=newest)
    assert [kept.raw] == written


def test_counts_name_the_newest_position_of_each_stream(lab: Lab):
    for _ in range(3):
        write(lab, "failures")
    write(lab, "completed")
    counts = lab.counts()
    assert counts.journal_failures == entries(lab, "failures")[-1].position
    assert counts.journal_completed == entries(lab, "completed")[-1].position
    assert entries(lab, "failures", after=counts.journal_failures) == []


def test_each_queue_has_its_own_journal(lab: Lab):
    write(lab, "failures")
    claim = lab.start(queue="bills")
    outcome = end(claim, State.DEAD, line=line(claim, State.DEAD), stream="failures")
    lab.exchange(outcome, queue="bills")
    assert len(entries(lab, "failures")) == 1
    [entry] = lab.store.journal("bills", "failures", "", 10)
    assert msgspec.msgpack.decode(entry.lines, type=list[AttemptLine])[0].raw == claim.raw


def test_the_journal_keeps_what_became_of_jobs_that_are_gone(lab: Lab):
    [raw] = write(lab, "failures")
    lab.store.purge("mail", State.DEAD, lab.now + 1, 10)
    [[kept]] = lines(lab, "failures")
    assert kept.raw == raw


def test_a_job_settled_several_times_has_a_line_each_time(lab: Lab):
    claim = lab.start()
    for _ in range(3):
        outcome = end(claim, State.FAILED, line=line(claim, State.FAILED), stream="failures")
        claim = lab.exchange(outcome, want=1).claims[0]
    assert [kept.attempt for batch in lines(lab, "failures") for kept in batch] == [1, 2, 3]


def test_a_recorder_on_another_connection_reads_the_same(lab: Lab, meet):
    write(lab, "completed", 3)
    assert list(meet().journal("mail", "completed", "", 10)) == entries(lab, "completed")


def test_a_cancelled_failure_is_written_as_it_was_sent(lab: Lab):
    claim = lab.start()
    lab.store.act("cancel", "mail", [claim.raw], "op")
    sent = line(claim, State.FAILED)
    lab.finish(claim, State.FAILED, line=sent, stream="failures")
    assert lab.state(claim.ref) is State.CANCELLED
    assert entries(lab, "failures")[0].lines.endswith(sent)
