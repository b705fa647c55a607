"""A file of the first schema, with jobs in every state, opened by this version: all of it is there and goes on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.backends.contract import Exchange, Note, PageQuery
from core.backends.sql.files import migrations
from core.backends.sqlite.backend import SqliteBackend
from core.backends.sqlite.peek import schema_at
from core.backends.sqlite.schema import APPLICATION_ID
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.job import Unique
from core.model.outcome import Charge, Outcome
from core.model.states import FINAL, State, Verb
from tests.conformance.clock import FakeClock
from tests.conformance.invariants import assert_consistent
from tests.conformance.lab import Lab

OLD = Path(__file__).with_name("store_at_0001.sql")
NOW = 1_700_000_005_000  # when the file was written
OLD_WORKER, OLD_CALL = "w" * 32, 11
STATES = {
    1: State.PENDING,
    2: State.SCHEDULED,
    3: State.HELD,
    4: State.FAILED,
    5: State.COMPLETED,
    6: State.DEAD,
    7: State.CANCELLED,
    8: State.RUNNING,
    9: State.PENDING,
}
KEYS = {1: "pending", 2: "scheduled", 3: "held", 4: "failed", 5: "done", 6: "dead"}


def ref(number: int, queue: str = "mail") -> JobRef:
    return JobRef(queue, number.to_bytes(8, "big") + b"\x00old\x00\x00")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def old(path: Path) -> Path:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD.read_text("utf-8"))
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    return path


@pytest.fixture
def lab(old: Path, clock: FakeClock) -> Iterator[Lab]:
    """The upgraded store; when the test is over it must be consistent."""
    store = SqliteBackend(old, clock=clock)
    store.open()
    try:
        yield Lab(store, clock)
        assert_consistent(store)
    finally:
        store.close()


def test_the_file_is_brought_to_the_newest_schema(lab: Lab, old: Path):
    newest = migrations("core.backends.sqlite")[-1].number
    assert schema_at(lab.store.url) == (newest, newest)
    assert newest > 1


def test_every_job_is_in_its_state_and_counted_there(lab: Lab):
    assert {number: lab.state(ref(number)) for number in STATES} == STATES
    assert lab.counts().states == {state: list(STATES.values()).count(state) for state in State}
    assert (lab.counts().processed, lab.counts().failures) == (4, 2)


def test_what_jobs_came_with_and_left_behind_is_there(lab: Lab):
    done, dead, held = (lab.read(ref(number)) for number in (5, 6, 3))
    assert (done.arguments, done.result, done.lines) == (b"\x81\xa2to\xa3ann", b"\x01", (b"\x91\x01",))
    assert (dead.error, dead.attempts, dead.max_attempts) == (b"\x93\xa1E\xa1m\xa1t", 1, 1)
    assert [(job.gate, job.held_at, job.unique, job.unique_until_ms) for job in (done, dead, held)] == [
        (None, "", Unique.UNTIL_FINISHED, 0)
    ] * 3


def test_schedules_pauses_journals_and_minutes_are_there(lab: Lab):
    assert [(entry.queue, entry.key, entry.version) for entry in lab.store.schedules()] == [("mail", "nightly", 1)]
    assert (lab.counts("reports").is_paused, lab.counts("reports").paused_reason) == (True, "quiet please")
    assert [entry.position for entry in lab.store.journal("mail", "failures", "", 10)] == ["2", "3"]
    assert sum(n for sums in lab.store.minutes("mail", 0).values() for n in sums.values()) == 5


@pytest.mark.parametrize("number", sorted(KEYS))
def test_live_jobs_still_hold_their_keys_and_finished_ones_do_not(lab: Lab, number: int):
    receipt = lab.offer(unique_key=KEYS[number])
    if STATES[number] in FINAL:
        assert receipt.created
    else:
        assert (receipt.ref, receipt.created) == (ref(number), False)


def test_keys_are_given_back_where_their_jobs_end(lab: Lab):
    lab.act(Verb.CANCEL, ref(1))
    assert lab.store.purge("mail", State.HELD, NOW, 10) == 1
    assert lab.offer(unique_key="pending").created
    assert lab.offer(unique_key="held").created
    assert lab.act(Verb.RETRY, ref(6)).applied
    assert lab.offer(unique_key="dead").ref == ref(6)


def test_the_worker_that_ran_a_job_goes_on_with_it(lab: Lab):
    again = lab.store.exchange(Exchange(queue="mail", worker=OLD_WORKER, call=OLD_CALL))
    [claim] = again.claims
    assert (claim.raw, again.asked_to_cancel) == (ref(8).raw, [ref(8).raw])
    done = Outcome(claim.raw, claim.token, State.COMPLETED)
    assert not lab.store.exchange(Exchange(queue="mail", worker=OLD_WORKER, call=OLD_CALL + 1, outcomes=[done])).refused
    assert lab.state(ref(8)) is State.COMPLETED


def test_every_verb_of_an_operator_reaches_every_job(lab: Lab):
    for number in STATES:
        lab.act(Verb.CANCEL, ref(number))
    for number in STATES:
        lab.act(Verb.RETRY, ref(number))
    lab.store.resume("reports")
    claimed = lab.claim(100) + lab.claim(100, queue="reports")
    assert {claim.ref for claim in claimed} == {*(ref(n) for n in (1, 2, 3, 4, 6, 7, 9)), ref(10, "reports")}


def test_new_jobs_with_gates_and_bytes_to_find_stand_beside_the_old_ones(lab: Lab):
    gate = Gate("limit:shop.send", limit=1)
    first, second = lab.enqueue(gate=gate), lab.enqueue(gate=gate)
    assert {claim.ref for claim in lab.claim(10)} == {ref(1), ref(9), first}
    assert (lab.state(second), lab.read(second).held_at) == (State.HELD, gate.name)
    page = lab.store.page(PageQuery(state=State.HELD, having=(b"ann",)))
    assert {job.ref for job in page.jobs} == {ref(3), second}


def test_opening_it_again_changes_nothing_more(lab: Lab, old: Path, clock: FakeClock):
    before = lab.store.counts()
    beside = SqliteBackend(old, clock=clock)
    beside.open()
    assert (beside.counts(), beside.store_id) == (before, lab.store.store_id)
    beside.close()


def test_old_jobs_take_notes_and_count_crashes(lab: Lab):
    again = lab.store.exchange(Exchange(queue="mail", worker=OLD_WORKER, call=OLD_CALL))
    [claim] = again.claims
    assert (claim.crashes, claim.checkpoint) == (0, b"")
    assert lab.store.note("mail", [Note(claim.raw, claim.token, b"\x01", b"\x02", b"log")]) == []
    crashed = Outcome(claim.raw, claim.token, State.PENDING, charge=Charge.CRASHED)
    assert not lab.exchange(crashed).refused
    job = lab.read(ref(8))  # it was asked to cancel, which wins over a pending outcome
    assert (job.state, job.crashes, job.losses) == (State.CANCELLED, 1, 1)
    assert (job.progress, job.checkpoint, job.log) == (b"\x01", b"\x02", b"log")
    assert lab.store.purge("mail", State.CANCELLED, lab.now + 1, 10) == 2
    assert lab.look(ref(8)) is None
