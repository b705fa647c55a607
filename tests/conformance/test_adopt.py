"""Jobs that come from another store: taken over as they are."""

import pytest

from core.model.gate import Gate, task_gate
from core.model.ident import JobRef
from core.model.job import Unique
from core.model.outcome import Charge
from core.model.states import FINAL, State, Verb

from .lab import HOUR_MS, LEASE_MS, Lab, raws
from .matrix import covers, each_state
from .moving import RESTS, rich

GATE = Gate("limit:ann", limit=1)


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
    jobs = [lab.read(lab.arrive(state)) for state in RESTS for _ in range(9)]
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


def test_adopting_leaves_references_readable(lab: Lab, other: Lab):
    ref = JobRef("mail", b"\x00\xff" * 7)
    lab.enqueue(raw=ref.raw)
    other.store.adopt("mail", [lab.read(ref)])
    assert other.read(ref).ref == ref
