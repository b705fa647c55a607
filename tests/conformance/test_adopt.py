"""Jobs that move from one store to another: taken over as they are, and withdrawn where they were."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from core.backends.contract import Backend
from core.model.gate import Gate, task_gate
from core.model.ident import JobRef
from core.model.job import StoredJob, Unique
from core.model.outcome import Charge
from core.model.schedule import StoredSchedule
from core.model.states import FINAL, State, Verb

from .clock import FakeClock
from .invariants import assert_consistent
from .lab import HOUR_MS, LEASE_MS, Lab, keys, raws
from .matrix import covers, each_state
from .places import Place

RESTS = [state for state in State if state is not State.RUNNING]
GATE = Gate("limit:ann", limit=1)


@pytest.fixture
def other(elsewhere: Place, clock: FakeClock) -> Iterator[Lab]:
    """Another store of the same kind, which must be consistent afterwards too."""
    opened = elsewhere.connect(clock)
    try:
        yield Lab(opened, clock)
        assert_consistent(opened)
    finally:
        opened.close()


def rich(lab: Lab, state: State, **fields) -> StoredJob:
    """A job with something in every field that its state can have."""
    claim = lab.start(
        **{
            "arguments": b"\x81\xa2to\xa3ann\x00\xff",
            "options": b"\x81\xa1m\x81\xa1a\x01",
            "priority": 7,
            "max_attempts": 9,
            **fields,
        }
    )
    lab.clock.move(3)
    lab.finish(claim, State.FAILED, error=b"\x93\xa1E\xa1m\xa1t", line=b"\x91\x01", result=b"\x07")
    lab.clock.move(3)
    if state is State.FAILED:
        lab.exchange()
        lab.settle(lab.claim_it(claim.ref), State.FAILED, delay_ms=HOUR_MS, line=b"\x91\x02", reason="again")
    elif state is State.PENDING:
        lab.exchange()
    else:
        again = lab.claim_it(claim.ref)
        delay_ms = HOUR_MS if state is State.SCHEDULED else 0
        lab.finish(again, state, delay_ms=delay_ms, line=b"\x91\x02", reason="because", result=b"\x08")
    job = lab.read(claim.ref)
    assert job.state is state
    return job


def place_of(job: StoredJob) -> tuple[bytes, State, int]:
    return (job.ref.raw, job.state, job.score)


@each_state("adopt", *RESTS)
def test_a_job_is_taken_over_as_it_is(lab: Lab, other: Lab, state: State):
    job = rich(lab, state)
    lab.clock.move(1_000)
    assert list(other.store.adopt("mail", [job])) == [True]
    assert other.read(job.ref) == job
    assert [row.ref for row in other.page(state).jobs] == [job.ref]
    assert other.counts().states == {each: int(each is state) for each in State}


@each_state("adopt", State.RUNNING)
def test_a_running_job_is_not_taken_over(lab: Lab, other: Lab, state: State):
    job = lab.read(lab.start().ref)
    with pytest.raises(ValueError, match="running"):
        other.store.adopt("mail", [job])
    assert (job.state, other.look(job.ref)) == (state, None)


def test_nothing_is_taken_over_when_one_of_them_runs(lab: Lab, other: Lab):
    resting, running = lab.read(lab.enqueue()), lab.read(lab.start().ref)
    with pytest.raises(ValueError, match="running"):
        other.store.adopt("mail", [resting, running])
    assert other.look(resting.ref) is None


def test_a_job_that_is_there_is_left_as_it_is(lab: Lab, other: Lab):
    job = rich(lab, State.PENDING)
    assert list(other.store.adopt("mail", [job])) == [True]
    other.finish(other.claim_one(), State.COMPLETED)
    done = other.read(job.ref)
    assert list(other.store.adopt("mail", [job])) == [False]
    assert other.read(job.ref) == done


def test_several_are_taken_over_in_one_call_and_answered_in_their_order(lab: Lab, other: Lab):
    jobs = [lab.read(lab.arrive(state)) for state in RESTS for _ in range(30)]
    jobs.reverse()
    known = jobs[::3]
    assert list(other.store.adopt("mail", known)) == [True] * len(known)
    assert list(other.store.adopt("mail", jobs)) == [job not in known for job in jobs]
    assert other.store.get([job.ref for job in jobs]) == jobs
    for state in RESTS:
        assert other.refs(state) == lab.refs(state)


def test_a_job_named_twice_in_one_call_is_taken_over_once(lab: Lab, other: Lab):
    job = lab.read(lab.enqueue())
    assert list(other.store.adopt("mail", [job, job])) == [True, False]
    assert other.count(State.PENDING) == 1


def test_nothing_is_taken_over_of_nothing(other: Lab):
    assert list(other.store.adopt("mail", [])) == []
    assert list(other.store.counts()) == []


def test_jobs_keep_their_run_order_among_those_that_are_there(lab: Lab, other: Lab):
    early = lab.enqueue()
    lab.clock.move(10)
    middle = Lab(other.store, lab.clock).enqueue(raw=b"m" * 14)
    lab.clock.move(10)
    late, high = lab.enqueue(), lab.enqueue(priority=5)
    other.store.adopt("mail", [lab.read(ref) for ref in (late, high, early)])
    claims = other.claim(10)
    assert raws(claims) == raws([high, early, middle, late])
    assert [claim.ready_ms - lab.now for claim in claims] == [0, -20, -10, 0]


def test_a_job_taken_over_goes_on_where_it_was(lab: Lab, other: Lab):
    job = rich(lab, State.FAILED)
    other.store.adopt("mail", [job])
    other.clock.move(HOUR_MS)
    [claim] = other.claim(1)
    assert (claim.raw, claim.attempts, claim.max_attempts, claim.priority) == (job.ref.raw, job.attempts + 1, 9, 7)
    assert (claim.arguments, claim.options, claim.ready_ms) == (job.arguments, job.options, job.due_ms)
    other.finish(claim, State.COMPLETED, line=b"\x91\x03")
    assert other.read(job.ref).lines == (*job.lines, b"\x91\x03")


def test_counts_of_attempts_and_losses_are_taken_over(lab: Lab, other: Lab):
    ref = lab.enqueue()
    lab.pass_time(1)
    lab.claim(1)
    lab.pass_time(2 * LEASE_MS)
    [lost] = lab.store.rescue("mail", 5, LEASE_MS).claims
    lab.finish(lost, State.DEAD, charge=Charge.LOST, if_expired=True)
    lab.act(Verb.RETRY, ref)
    job = lab.read(ref)
    assert (job.attempts, job.forgiven, job.losses) == (1, 1, 1)
    other.store.adopt("mail", [job])
    assert other.read(ref) == job


def test_a_job_taken_over_can_be_acted_on(lab: Lab, other: Lab):
    job = rich(lab, State.DEAD)
    other.store.adopt("mail", [job])
    assert other.act(Verb.RETRY, job.ref).applied
    [claim] = other.claim(1)
    assert (claim.attempts, claim.forgiven) == (job.attempts + 1, job.attempts)


def test_jobs_taken_over_are_no_work_done_here(lab: Lab, other: Lab):
    other.store.adopt("mail", [rich(lab, State.COMPLETED), rich(lab, State.DEAD)])
    counts = other.counts()
    assert (counts.processed, counts.failures, counts.last_processed_ms) == (0, 0, 0)
    assert (counts.journal_failures, counts.journal_completed) == ("", "")


def test_a_queue_is_known_by_a_job_taken_over(lab: Lab, other: Lab):
    other.store.adopt("bills", [lab.read(lab.enqueue(queue="bills"))])
    assert [counts.queue for counts in other.store.counts()] == ["bills"]


# Unique keys


@covers("adopt", *(state for state in RESTS if state not in FINAL))
@pytest.mark.parametrize("state", [state for state in RESTS if state not in FINAL])
def test_a_live_job_brings_its_key_along(lab: Lab, other: Lab, state: State):
    job = lab.read(lab.arrive(state, unique_key="a"))
    other.store.adopt("mail", [job])
    receipt = other.offer(raw=b"n" * 14, unique_key="a")
    assert (receipt.ref, receipt.created) == (job.ref, False)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_finished_job_brings_no_key_along(lab: Lab, other: Lab, state: State):
    other.store.adopt("mail", [lab.read(lab.arrive(state, unique_key="a"))])
    assert other.offer(raw=b"n" * 14, unique_key="a").created


def test_a_key_for_pending_jobs_comes_along_only_with_one_that_was_never_claimed(lab: Lab, other: Lab):
    pending = {"unique": Unique.WHILE_PENDING}
    waits = lab.enqueue(unique_key="a", **pending)
    tried = lab.arrive(State.FAILED, unique_key="b", **pending)
    other.store.adopt("mail", [lab.read(waits), lab.read(tried)])
    assert other.offer(raw=b"n" * 14, unique_key="a").ref == waits
    assert other.offer(raw=b"o" * 14, unique_key="b").created
    other.claim(10)
    assert other.offer(raw=b"p" * 14, unique_key="a").created


@pytest.mark.parametrize("state", RESTS)
def test_a_key_for_a_time_comes_along_for_the_rest_of_it(lab: Lab, other: Lab, state: State):
    job = lab.read(lab.arrive(state, unique_key="a", unique=Unique.FOR_A_TIME, unique_ms=5_000))
    lab.clock.move(2_000)
    other.store.adopt("mail", [job])
    lab.clock.move(2_999)
    assert other.offer(raw=b"n" * 14, unique_key="a").ref == job.ref
    lab.clock.move(1)
    assert other.offer(raw=b"n" * 14, unique_key="a").created


def test_a_key_for_a_time_that_is_over_does_not_come_along(lab: Lab, other: Lab):
    job = lab.read(lab.enqueue(unique_key="a", unique=Unique.FOR_A_TIME, unique_ms=5_000))
    lab.clock.move(5_000)
    other.store.adopt("mail", [job])
    assert other.offer(raw=b"n" * 14, unique_key="a").created


def test_a_key_that_another_job_holds_is_left_to_it(lab: Lab, other: Lab):
    holder = other.enqueue(raw=b"h" * 14, unique_key="a")
    job = lab.read(lab.enqueue(unique_key="a"))
    assert list(other.store.adopt("mail", [job])) == [True]
    assert other.read(job.ref) == job
    assert other.offer(raw=b"n" * 14, unique_key="a").ref == holder
    other.act(Verb.CANCEL, job.ref)
    assert other.offer(raw=b"n" * 14, unique_key="a").ref == holder


# Gates


@covers("adopt", State.HELD)
def test_who_waited_waits_on_where_its_gate_is_taken(lab: Lab, other: Lab):
    running = other.start(raw=b"r" * 14, gate=GATE)
    lab.start(gate=GATE)
    waiting = [lab.enqueue(gate=GATE, priority=priority) for priority in (0, 5)]
    lab.claim(5)
    jobs = [lab.read(ref) for ref in waiting]
    other.store.adopt("mail", jobs)
    assert other.store.get(waiting) == jobs
    assert other.at_gate(GATE.name) == (1, 2)
    assert other.claim(5) == []
    assert raws(other.settle(running, State.COMPLETED, want=5).claims) == [waiting[1].raw]


def test_who_waited_passes_where_its_gate_has_room(lab: Lab, other: Lab):
    """The slot it waited for stays behind: nobody here will ever free one."""
    lab.start(gate=GATE)
    waiting = [lab.enqueue(gate=GATE) for _ in range(2)]
    lab.claim(5)
    other.store.adopt("mail", [lab.read(ref) for ref in waiting])
    assert other.at_gate(GATE.name) == (0, 2)
    [claim] = other.claim(5)
    assert (claim.ref, other.at_gate(GATE.name)) == (waiting[0], (1, 1))
    assert raws(other.settle(claim, State.COMPLETED, want=5).claims) == [waiting[1].raw]


def test_who_waited_for_a_rate_passes_at_the_rate_here(lab: Lab, other: Lab):
    rate = Gate("rate:shop.send", interval_us=600_000)
    lab.start(gate=rate)
    waiting = [lab.enqueue(gate=rate) for _ in range(2)]
    lab.claim(5)
    other.store.adopt("mail", [lab.read(ref) for ref in waiting])
    reply = other.exchange(want=5)
    assert (raws(reply.claims), reply.next_due_ms) == ([waiting[0].raw], other.now + 600)


def test_who_had_passed_asks_its_gate_here(lab: Lab, other: Lab):
    claim = lab.start(gate=GATE)
    passed = lab.enqueue(gate=GATE)
    lab.claim(5)
    lab.settle(claim, State.COMPLETED)
    assert lab.state(passed) is State.PENDING
    other.start(raw=b"r" * 14, gate=GATE)
    other.store.adopt("mail", [lab.read(passed)])
    assert other.at_gate(GATE.name) == (1, 0)
    assert other.claim(5) == []
    assert other.at_gate(GATE.name) == (1, 1)


def test_who_waited_for_a_worker_that_knows_its_task_is_awaited_here(lab: Lab, other: Lab):
    ref = lab.enqueue(task="shop.bill")
    lab.hold(ref, "shop.bill")
    other.store.adopt("mail", [lab.read(ref)])
    assert list(other.exchange(want=1).awaited) == ["shop.bill"]
    assert other.at_gate(task_gate("shop.bill")) == (0, 1)
    assert raws(other.claim(1, serve=["shop.bill"])) == [ref.raw]


# Withdrawing


@each_state("withdraw", *RESTS)
def test_a_job_is_withdrawn_where_it_still_is(lab: Lab, state: State):
    job, kept = rich(lab, state), lab.enqueue()
    assert lab.store.withdraw("mail", [place_of(job)]) == 1
    assert (lab.look(job.ref), lab.count(state)) == (None, int(state is State.PENDING))
    assert lab.state(kept) is State.PENDING
    assert lab.store.withdraw("mail", [place_of(job)]) == 0


@each_state("withdraw", State.RUNNING)
def test_a_job_that_was_claimed_meanwhile_is_not_withdrawn(lab: Lab, state: State):
    job = lab.read(lab.enqueue())
    claim = lab.claim_one()
    assert lab.store.withdraw("mail", [place_of(job)]) == 0
    assert lab.state(job.ref) is state
    lab.finish(claim, State.COMPLETED)


@pytest.mark.parametrize("state", RESTS)
def test_a_job_that_moved_within_its_state_is_not_withdrawn(lab: Lab, state: State):
    job = lab.read(lab.arrive(state))
    assert lab.store.withdraw("mail", [(job.ref.raw, state, job.score + 1)]) == 0
    assert lab.read(job.ref) == job


def test_a_job_in_another_state_at_the_same_time_is_not_withdrawn(lab: Lab):
    job = lab.read(lab.arrive(State.COMPLETED))
    assert lab.store.withdraw("mail", [(job.ref.raw, State.CANCELLED, job.score)]) == 0
    assert lab.look(job.ref) is not None


def test_many_are_withdrawn_in_one_call(lab: Lab):
    jobs = [lab.read(lab.arrive(state)) for state in RESTS for _ in range(20)]
    places = [place_of(job) for job in jobs]
    nowhere = [(b"\x00" * 14, State.PENDING, 1)]
    assert lab.store.withdraw("mail", [*places, *nowhere, *places]) == len(jobs)
    assert set(lab.counts().states.values()) == {0}


def test_a_job_is_withdrawn_from_its_own_queue_only(lab: Lab):
    job = lab.read(lab.enqueue())
    assert lab.store.withdraw("bills", [place_of(job)]) == 0
    assert lab.look(job.ref) is not None


def test_a_job_that_is_withdrawn_leaves_its_key(lab: Lab):
    job = lab.read(lab.enqueue(unique_key="a"))
    lab.store.withdraw("mail", [place_of(job)])
    assert lab.offer(unique_key="a").created


def test_a_job_that_is_withdrawn_leaves_its_key_for_a_time_answered(lab: Lab):
    timed = {"unique_key": "a", "unique": Unique.FOR_A_TIME, "unique_ms": 5_000}
    job = lab.read(lab.enqueue(**timed))
    lab.store.withdraw("mail", [place_of(job)])
    assert lab.offer(**timed).ref == job.ref


def test_a_job_that_is_withdrawn_can_come_back(lab: Lab):
    job = rich(lab, State.FAILED)
    lab.store.withdraw("mail", [place_of(job)])
    assert list(lab.store.adopt("mail", [job])) == [True]
    assert lab.read(job.ref) == job


# The whole way


@covers("adopt", *RESTS)
@covers("withdraw", *RESTS)
def test_everything_that_rests_moves_to_another_store(lab: Lab, other: Lab):
    for state in RESTS:
        rich(lab, state, unique_key=f"key-{state}")
        lab.arrive(state)
    running = lab.start(gate=GATE)
    jobs = [lab.read(ref) for state in RESTS for ref in lab.refs(state)]
    assert move(lab.store, other.store, jobs) == len(jobs)
    assert move(lab.store, other.store, jobs) == 0
    assert other.store.get([job.ref for job in jobs]) == jobs
    assert [state for state, count in lab.counts().states.items() if count] == [State.RUNNING]
    lab.store.release("mail", keys([running]))
    assert move(lab.store, other.store, [lab.read(running.ref)]) == 1
    assert set(lab.counts().states.values()) == {0}


def test_a_move_that_broke_off_goes_on_where_it_was(lab: Lab, other: Lab):
    """Adopted there and not yet withdrawn here, some were claimed here meanwhile: those stay here."""
    jobs = [lab.read(lab.enqueue()) for _ in range(4)]
    assert list(other.store.adopt("mail", jobs[:3])) == [True] * 3
    [claimed] = lab.claim(1)
    assert lab.store.withdraw("mail", [place_of(job) for job in jobs]) == 3
    assert [job.ref for job in jobs if lab.look(job.ref)] == [claimed.ref]


def move(source: Backend, target: Backend, jobs: list[StoredJob]) -> int:
    target.adopt("mail", jobs)
    return source.withdraw("mail", [place_of(job) for job in jobs])


# Schedules


def entry(**fields) -> StoredSchedule:
    known = {"queue": "mail", "key": "nightly", "spec": b"\x81\xa4task\xa1t", "enabled": True, "version": 3}
    return StoredSchedule(**{**known, "last_fire_ms": 1_700_000_000_000, "last_job": b"j" * 14, **fields})


@pytest.mark.parametrize("fields", [{}, {"enabled": False}, {"last_job": b""}, {"version": 1}], ids=str)
def test_a_schedule_is_taken_over_as_it_is(lab: Lab, fields: dict):
    schedule = entry(**fields)
    assert lab.store.adopt_schedule(schedule) is True
    assert list(lab.store.schedules()) == [schedule]
    assert [counts.queue for counts in lab.store.counts()] == ["mail"]


def test_a_schedule_whose_key_is_there_is_left_as_it_is(lab: Lab):
    put = lab.store.put_schedule("mail", "nightly", b"\x80", enabled=False)
    assert lab.store.adopt_schedule(entry()) is False
    assert list(lab.store.schedules()) == [put]


def test_a_schedule_of_the_same_key_in_another_queue_is_taken_over(lab: Lab):
    lab.store.put_schedule("bills", "nightly", b"\x80", enabled=False)
    assert lab.store.adopt_schedule(entry()) is True


def test_a_schedule_taken_over_fires_from_where_it_stood(lab: Lab):
    schedule = entry()
    lab.store.adopt_schedule(schedule)
    job, fire_ms = lab.job(), schedule.last_fire_ms + 60_000
    assert not lab.store.tick("mail", "nightly", 1, schedule.last_fire_ms, fire_ms, job)
    assert lab.store.tick("mail", "nightly", 3, schedule.last_fire_ms, fire_ms, job)
    assert lab.state(job.ref) is State.PENDING
    [fired] = lab.store.schedules()
    assert fired == replace(schedule, last_fire_ms=fire_ms, last_job=job.raw)


def test_a_schedule_taken_over_can_be_switched_and_changed(lab: Lab):
    lab.store.adopt_schedule(entry())
    off = lab.store.switch_schedule("mail", "nightly", enabled=False)
    assert (off.enabled, off.version) == (False, 4)
    changed = lab.store.put_schedule("mail", "nightly", b"\x80", enabled=True)
    assert (changed.enabled, changed.version, changed.spec) == (False, 5, b"\x80")


def test_adopting_leaves_references_readable(lab: Lab, other: Lab):
    ref = JobRef("mail", b"\x00\xff" * 7)
    lab.enqueue(raw=ref.raw)
    other.store.adopt("mail", [lab.read(ref)])
    assert other.read(ref).ref == ref
