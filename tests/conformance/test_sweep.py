"""Sweeps: a verb for all jobs of a state that were there before the cut-off, a bounded chunk a call."""

from typing import Any

import pytest

from core.backends.contract import Sweep, Swept
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.states import EFFECTS, FINAL, Effect, State, Verb

from .lab import HOUR_MS, Lab, raws
from .matrix import covers, each_state


def sweep(lab: Lab, verb: Verb, state: State, **fields: Any) -> Swept:
    """One chunk, of what is there now unless another cut-off is given."""
    known = {"queue": "mail", "before_ms": lab.now + 1, "operation": "sweep-1", "reason": "by hand"}
    return lab.store.sweep(Sweep(verb=verb, state=state, **{**known, **fields}))


def sweep_all(lab: Lab, verb: Verb, state: State, **fields: Any) -> list[Swept]:
    """Chunk after chunk to the end."""
    chunks = [sweep(lab, verb, state, **fields)]
    while chunks[-1].next is not None:
        assert len(chunks) < 100, "a sweep does not end"
        chunks.append(sweep(lab, verb, state, after=chunks[-1].next, **fields))
    return chunks


def several(lab: Lab, state: State, count: int, **fields: Any) -> list[JobRef]:
    """Jobs of a state, one a millisecond, in its natural order."""
    refs = []
    for _ in range(count):
        refs.append(lab.arrive(state, **fields))
        lab.clock.move(1)
    assert set(lab.refs(state)) >= set(refs)
    return [ref for ref in lab.refs(state) if ref in refs]


@each_state("sweep")
@pytest.mark.parametrize("verb", list(Verb))
def test_a_sweep_does_to_each_job_what_the_verb_does(lab: Lab, verb: Verb, state: State):
    refs = several(lab, state, 3)
    effect = EFFECTS[verb][state]
    swept = sweep(lab, verb, state)
    is_applied = effect not in (Effect.CONFLICT, Effect.COPY)
    assert swept == Swept(applied=3 * is_applied, refused=3 * (not is_applied), scanned=3)
    expected = {Effect.RUN_NOW: State.PENDING, Effect.RUN_AFRESH: State.PENDING, Effect.CANCEL: State.CANCELLED}
    assert {lab.state(ref) for ref in refs} == {expected.get(effect, state)}
    assert [lab.read(ref).cancel_asked for ref in refs] == [effect is Effect.ASK] * 3


def test_a_sweep_gives_the_reason(lab: Lab):
    [ref] = several(lab, State.DEAD, 1)
    sweep(lab, Verb.CANCEL, State.DEAD, reason="the shop was closed")
    assert lab.read(ref).reason == "the shop was closed"


def test_a_sweep_of_nothing_is_over_at_once(lab: Lab):
    lab.enqueue()
    assert sweep(lab, Verb.RETRY, State.DEAD) == Swept(applied=0, refused=0, scanned=0)
    assert sweep(lab, Verb.RETRY, State.DEAD, queue="nowhere") == Swept(applied=0, refused=0, scanned=0)
    assert [counts.queue for counts in lab.store.counts()] == ["mail"]


@each_state("sweep", *(state for state in State if state not in FINAL))
def test_the_cut_off_counts_by_the_time_of_enqueueing(lab: Lab, state: State):
    refs = [lab.arrive(state)]
    lab.clock.move(10)
    refs.append(lab.arrive(state))
    swept = sweep(lab, Verb.CANCEL, state, before_ms=lab.now)
    assert (swept.applied, swept.refused, swept.scanned) == (1, 0, 2)
    assert [lab.read(ref).reason for ref in refs if lab.state(ref) is State.CANCELLED] in (["by hand"], [])
    done = [lab.state(ref) is State.CANCELLED or lab.read(ref).cancel_asked for ref in refs]
    assert done == [True, False]


@pytest.mark.parametrize("state", [State.DEAD, State.CANCELLED])
def test_the_cut_off_counts_by_the_time_of_the_end_for_finished_jobs(lab: Lab, state: State):
    """Both came in before it; one ended after it."""
    early, late = (lab.enqueue() for _ in range(2))
    claims = lab.claim(2)
    lab.finish(claims[0], state)
    lab.clock.move(10)
    cut = lab.now
    lab.finish(claims[1], state)
    swept = sweep(lab, Verb.RETRY, state, before_ms=cut)
    assert (swept.applied, swept.refused) == (1, 0)
    assert (lab.state(early), lab.state(late)) == (State.PENDING, state)


def test_the_cut_off_itself_is_not_before_it(lab: Lab):
    ref = lab.enqueue(delay_ms=HOUR_MS)
    assert sweep(lab, Verb.CANCEL, State.SCHEDULED, before_ms=lab.now).applied == 0
    assert sweep(lab, Verb.CANCEL, State.SCHEDULED, before_ms=lab.now + 1).applied == 1
    assert lab.state(ref) is State.CANCELLED


def test_a_sweep_goes_on_behind_its_cursor_in_chunks(lab: Lab):
    refs = several(lab, State.DEAD, 7)
    first = sweep(lab, Verb.RETRY, State.DEAD, limit=3)
    assert (first.applied, first.scanned) == (3, 3)
    assert first.next is not None
    assert lab.refs(State.DEAD) == refs[3:]
    second = sweep(lab, Verb.RETRY, State.DEAD, limit=3, after=first.next)
    assert (second.applied, lab.refs(State.DEAD)) == (3, refs[6:])
    assert sweep(lab, Verb.RETRY, State.DEAD, limit=3, after=second.next) == Swept(applied=1, refused=0, scanned=1)


@each_state("sweep")
def test_chunks_together_reach_every_job_once(lab: Lab, state: State):
    refs = several(lab, state, 9)
    verb = Verb.RETRY if state in FINAL else Verb.CANCEL
    chunks = sweep_all(lab, verb, state, limit=4)
    applies = EFFECTS[verb][state] not in (Effect.CONFLICT, Effect.COPY)
    assert sum(chunk.applied for chunk in chunks) == (9 if applies else 0)
    assert sum(chunk.scanned for chunk in chunks) == 9
    assert len({lab.state(ref) for ref in refs}) == 1


def test_a_chunk_in_which_all_is_refused_goes_on(lab: Lab):
    """A cursor, not what is left, says where the sweep stands: or it would stay for ever with those that refuse."""
    for number in range(5):
        lab.arrive(State.DEAD, unique_key=f"key-{number}")
        lab.enqueue(unique_key=f"key-{number}", delay_ms=HOUR_MS)
        lab.clock.move(1)
    chunks = sweep_all(lab, Verb.RETRY, State.DEAD, limit=2)
    assert [(chunk.applied, chunk.refused) for chunk in chunks] == [(0, 2), (0, 2), (0, 1)]


def test_a_key_that_another_job_took_refuses_only_its_own(lab: Lab):
    free, taken = several(lab, State.DEAD, 1), lab.arrive(State.DEAD, unique_key="a")
    lab.enqueue(unique_key="a")
    swept = sweep(lab, Verb.RETRY, State.DEAD)
    assert (swept.applied, swept.refused) == (1, 1)
    assert (lab.state(free[0]), lab.state(taken)) == (State.PENDING, State.DEAD)


def test_two_jobs_of_one_key_bring_back_one(lab: Lab):
    for _ in range(2):
        lab.arrive(State.DEAD, unique_key="a")
        lab.clock.move(1)
    swept = sweep(lab, Verb.RETRY, State.DEAD)
    assert (swept.applied, swept.refused) == (1, 1)


def test_a_chunk_sent_again_acts_once_and_counts_what_it_did(lab: Lab):
    """The reply was lost and the jobs died again: they remember the operation."""
    [ref] = several(lab, State.DEAD, 1)
    assert sweep(lab, Verb.RETRY, State.DEAD).applied == 1
    lab.finish(lab.claim_one(), State.DEAD)
    before = lab.read(ref)
    assert sweep(lab, Verb.RETRY, State.DEAD) == Swept(applied=1, refused=0, scanned=1)
    assert lab.read(ref) == before
    assert sweep(lab, Verb.RETRY, State.DEAD, operation="sweep-2").applied == 1
    assert lab.state(ref) is State.PENDING


def test_an_operation_is_remembered_whether_it_came_by_sweep_or_by_hand(lab: Lab):
    ref = lab.enqueue()
    assert sweep(lab, Verb.CANCEL, State.PENDING, operation="one").applied == 1
    lab.act(Verb.RETRY, ref, operation="two")
    assert lab.act(Verb.CANCEL, ref, operation="one").applied
    assert lab.state(ref) is State.PENDING
    assert sweep(lab, Verb.CANCEL, State.PENDING, operation="two").applied == 1
    assert lab.state(ref) is State.PENDING


def test_what_was_retried_between_two_chunks_is_not_met_again(lab: Lab):
    refs = several(lab, State.DEAD, 4)
    first = sweep(lab, Verb.CANCEL, State.DEAD, limit=2)
    lab.act(Verb.RETRY, refs[2])
    second = sweep(lab, Verb.CANCEL, State.DEAD, limit=2, after=first.next)
    assert (second.applied, second.scanned, second.next) == (1, 1, None)
    assert lab.state(refs[2]) is State.PENDING


def test_what_died_after_the_preview_is_left_alone(lab: Lab):
    """A retry in between that failed again: it ended after the cut-off."""
    refs = several(lab, State.DEAD, 3)
    cut = lab.now
    lab.act(Verb.RETRY, refs[2])
    lab.finish(lab.claim_one(), State.DEAD)
    assert sum(chunk.applied for chunk in sweep_all(lab, Verb.CANCEL, State.DEAD, before_ms=cut, limit=1)) == 2
    assert lab.state(refs[2]) is State.DEAD


@pytest.mark.parametrize(("pattern", "wanted"), [("shop.send", ["shop.send"]), ("shop.*", ["shop.send", "shop.bill"])])
def test_a_sweep_takes_only_jobs_of_its_tasks(lab: Lab, pattern: str, wanted: list[str]):
    tasks = ["shop.send", "shop.bill", "stock.count", "shop.send"]
    refs = [lab.arrive(State.DEAD, task=task) for task in tasks]
    chunks = sweep_all(lab, Verb.RETRY, State.DEAD, task=pattern, limit=1, scan_limit=2)
    assert sum(chunk.applied for chunk in chunks) == sum(task in wanted for task in tasks)
    assert sum(chunk.refused for chunk in chunks) == 0
    for ref, task in zip(refs, tasks, strict=True):
        assert (lab.state(ref) is State.PENDING) == (task in wanted)


def test_a_sweep_looks_at_no_more_than_it_may_and_goes_on_from_there(lab: Lab):
    several(lab, State.DEAD, 6, task="shop.send")
    [rare] = several(lab, State.DEAD, 1, task="stock.count")
    for _ in range(5):
        lab.arrive(State.DEAD, task="shop.bill")
        lab.clock.move(1)
    first = sweep(lab, Verb.RETRY, State.DEAD, task="stock.count", scan_limit=4)
    assert (first.applied, first.scanned) == (0, 4)
    assert first.next is not None
    chunks = sweep_all(lab, Verb.RETRY, State.DEAD, task="stock.count", scan_limit=4)
    assert [chunk.scanned for chunk in chunks] == [4, 4, 4]
    assert sum(chunk.applied for chunk in chunks) == 1
    assert lab.state(rare) is State.PENDING


def test_a_sweep_is_one_queues(lab: Lab):
    here, there = lab.arrive(State.DEAD), lab.arrive(State.DEAD, queue="bills")
    assert sweep(lab, Verb.RETRY, State.DEAD).applied == 1
    assert (lab.state(here), lab.state(there)) == (State.PENDING, State.DEAD)


def test_a_sweep_takes_jobs_in_natural_order(lab: Lab):
    refs = several(lab, State.DEAD, 5)
    sweep(lab, Verb.RETRY, State.DEAD, limit=2)
    assert {ref for ref in refs if lab.state(ref) is State.PENDING} == set(refs[:2])
    waiting = [lab.enqueue(delay_ms=delay) for delay in (300, 100, 200)]
    sweep(lab, Verb.CANCEL, State.SCHEDULED, limit=2)
    assert lab.refs(State.SCHEDULED) == waiting[:1]


@covers("sweep", State.HELD)
def test_a_sweep_of_those_who_wait_lets_them_pass_whatever_the_limit(lab: Lab):
    gate = Gate("limit:ann", limit=1)
    jobs = [lab.enqueue(gate=gate) for _ in range(4)]
    lab.claim(10)
    assert sweep(lab, Verb.RETRY, State.HELD, limit=2).applied == 2
    assert lab.at_gate(gate.name) == (3, 1)
    assert len(lab.claim(10)) == 2
    assert sweep(lab, Verb.CANCEL, State.HELD).applied == 1
    assert (lab.at_gate(gate.name), lab.state(jobs[3])) == ((3, 0), State.CANCELLED)


@covers("sweep", State.PENDING)
def test_a_sweep_of_those_who_have_passed_hands_their_slots_on(lab: Lab):
    gate = Gate("limit:ann", limit=2)
    jobs = []
    for _ in range(6):
        jobs.append(lab.enqueue(gate=gate))
        lab.clock.move(1)
    claims = lab.claim(10)
    lab.store.release("mail", [(claim.raw, claim.token) for claim in claims])
    assert lab.refs(State.HELD) == jobs[4:]
    swept = sweep(lab, Verb.CANCEL, State.PENDING)
    assert (swept.applied, swept.scanned) == (4, 4)
    assert (lab.refs(State.PENDING), lab.at_gate(gate.name)) == (jobs[4:], (2, 0))


def test_a_sweep_of_running_jobs_asks_them_to_stop(lab: Lab):
    claims = [lab.start() for _ in range(2)]
    assert sweep(lab, Verb.CANCEL, State.RUNNING).applied == 2
    assert set(lab.exchange().asked_to_cancel) == set(raws(claims))


def test_many_jobs_are_swept_in_one_call(lab: Lab):
    lab.store.enqueue([lab.job(delay_ms=HOUR_MS) for _ in range(250)])
    first = sweep(lab, Verb.CANCEL, State.SCHEDULED)
    assert (first.applied, lab.count(State.CANCELLED)) == (200, 200)
    assert sweep(lab, Verb.CANCEL, State.SCHEDULED, after=first.next) == Swept(applied=50, refused=0, scanned=50)
