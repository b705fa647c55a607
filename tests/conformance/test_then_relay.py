"""Follow-up jobs: stored in the step that settles, in this queue at once and in others soon."""

from core.backends.contract import Backend
from core.model.ident import derived_raw
from core.model.job import NewJob
from core.model.states import State

from .lab import HOUR_MS, Lab, end
from .matrix import covers, each_state


def relay(lab: Lab, *queues: str) -> int:
    """Deliver everything that the queues keep for others; answers how much that was."""
    moved = 0
    for queue in queues or ("mail",):
        while n := lab.store.relay(queue, 100):
            moved += n
    return moved


def follow_up(lab: Lab, **fields: object) -> NewJob:
    return lab.job(task="shop.bill", **fields)


@covers("then", State.PENDING)
def test_a_follow_up_in_the_same_queue_is_there_with_the_settle(lab: Lab):
    claim, then = lab.start(), follow_up(lab)
    lab.finish(claim, State.COMPLETED, then=(then,))
    assert (lab.state(claim.ref), lab.state(then.ref)) == (State.COMPLETED, State.PENDING)


def test_a_follow_up_keeps_all_it_came_with(lab: Lab):
    then = follow_up(lab, priority=9, max_attempts=2, options=b"\x80", unique_key="k")
    lab.finish(lab.start(), State.COMPLETED, then=(then,))
    job = lab.read(then.ref)
    assert (job.task, job.priority, job.max_attempts, job.options, job.unique_key) == (
        "shop.bill",
        9,
        2,
        b"\x80",
        "k",
    )
    assert job.enqueued_ms == lab.now


@covers("then", State.SCHEDULED)
def test_a_follow_up_with_a_delay_is_scheduled(lab: Lab):
    then = follow_up(lab, delay_ms=HOUR_MS)
    lab.finish(lab.start(), State.COMPLETED, then=(then,))
    assert (lab.state(then.ref), lab.read(then.ref).due_ms) == (State.SCHEDULED, lab.now + HOUR_MS)


def test_a_follow_up_may_be_claimed_in_the_call_that_stored_it(lab: Lab):
    claim, then = lab.start(), follow_up(lab)
    reply = lab.settle(claim, State.COMPLETED, then=(then,), want=1)
    assert [claim.ref for claim in reply.claims] == [then.ref]


def test_several_follow_ups_are_all_stored(lab: Lab):
    then = tuple(follow_up(lab) for _ in range(20))
    lab.finish(lab.start(), State.COMPLETED, then=then)
    assert lab.refs(State.PENDING) == [job.ref for job in then]


def test_follow_ups_of_a_whole_batch_are_stored(lab: Lab):
    claims = [lab.start() for _ in range(5)]
    then = [follow_up(lab) for _ in claims]
    lab.exchange(*(end(claim, State.COMPLETED, then=(job,)) for claim, job in zip(claims, then, strict=True)))
    assert lab.refs(State.PENDING) == [job.ref for job in then]


def test_a_refused_settle_stores_no_follow_up(lab: Lab):
    stale, then = lab.outlived(State.CANCELLED), follow_up(lab)
    lab.settle(stale, State.COMPLETED, then=(then,))
    assert lab.look(then.ref) is None


def test_a_refused_settle_leaves_nothing_for_other_queues(lab: Lab):
    stale, then = lab.outlived(State.CANCELLED), follow_up(lab, queue="bills")
    lab.settle(stale, State.COMPLETED, then=(then,))
    relay(lab)
    assert lab.look(then.ref) is None


@each_state("then")
def test_a_follow_up_whose_id_is_there_is_not_stored_again(lab: Lab, state: State):
    ref = lab.arrive(state)
    before = lab.read(ref)
    then = follow_up(lab, raw=ref.raw)
    lab.finish(lab.claim_it(lab.enqueue()), State.COMPLETED, then=(then,))
    assert lab.read(ref) == before


def test_a_step_that_ran_twice_has_one_follow_up(lab: Lab):
    """Ids derived from parent and step make the follow-ups of two runs one."""
    claim = lab.start()
    then = follow_up(lab, raw=derived_raw(claim.raw, "1"))
    [again] = lab.settle(claim, State.FAILED, then=(then,), want=1).claims
    later = again if again.raw == claim.raw else lab.claim_it(claim.ref)
    lab.finish(later, State.COMPLETED, then=(then,))
    assert lab.state(claim.ref) is State.COMPLETED
    assert sum(lab.counts().states.values()) == 2


def test_a_paused_queue_takes_follow_ups(lab: Lab):
    claim, then = lab.start(), follow_up(lab)
    lab.store.pause("mail", "maintenance")
    lab.finish(claim, State.COMPLETED, then=(then,))
    assert lab.state(then.ref) is State.PENDING


# To other queues


def test_a_follow_up_for_another_queue_is_there_after_relay(lab: Lab):
    then = follow_up(lab, queue="bills", priority=4)
    lab.finish(lab.start(), State.COMPLETED, then=(then,))
    relay(lab)
    assert lab.state(then.ref) is State.PENDING
    assert lab.claim_one(queue="bills").priority == 4


def test_a_follow_up_for_another_queue_does_not_land_in_this_one(lab: Lab):
    then = follow_up(lab, queue="bills")
    lab.finish(lab.start(), State.COMPLETED, then=(then,))
    relay(lab)
    assert lab.count(State.PENDING, "mail") == 0


def test_relay_moves_each_follow_up_once(lab: Lab):
    then = follow_up(lab, queue="bills")
    lab.finish(lab.start(), State.COMPLETED, then=(then,))
    relay(lab)
    assert lab.store.relay("mail", 100) == 0
    assert lab.count(State.PENDING, "bills") == 1


def test_relay_of_nothing_moves_none(lab: Lab):
    lab.enqueue()
    assert lab.store.relay("mail", 100) == 0


def test_a_follow_up_that_was_delivered_and_ran_is_not_delivered_again(lab: Lab):
    claim = lab.start()
    outcome = end(claim, State.COMPLETED, then=(follow_up(lab, queue="bills"),))
    lab.exchange(outcome)
    relay(lab)
    lab.finish(lab.claim_one(queue="bills"), State.COMPLETED)
    lab.exchange(outcome, call=lab.last_call())
    relay(lab)
    assert lab.counts("bills").states[State.PENDING] == 0


def test_follow_ups_reach_several_queues(lab: Lab):
    then = tuple(follow_up(lab, queue=queue) for queue in ("bills", "stock", "mail", "bills"))
    lab.finish(lab.start(), State.COMPLETED, then=then)
    relay(lab)
    assert [lab.count(State.PENDING, queue) for queue in ("bills", "stock", "mail")] == [2, 1, 1]


def test_relay_in_small_steps_delivers_everything(lab: Lab):
    then = tuple(follow_up(lab, queue="bills") for _ in range(7))
    lab.finish(lab.start(), State.COMPLETED, then=then)
    while lab.store.relay("mail", 2):
        pass
    assert lab.refs(State.PENDING, queues=("bills",)) == [job.ref for job in then]


def test_two_relays_at_once_deliver_once(lab: Lab, meet):
    then = tuple(follow_up(lab, queue="bills") for _ in range(4))
    lab.finish(lab.start(), State.COMPLETED, then=then)
    other: Backend = meet()
    for _ in range(4):
        lab.store.relay("mail", 1)
        other.relay("mail", 1)
    assert lab.count(State.PENDING, "bills") == 4


def test_a_delayed_follow_up_counts_its_delay_from_the_settle(lab: Lab):
    then = follow_up(lab, queue="bills", delay_ms=HOUR_MS)
    lab.finish(lab.start(), State.COMPLETED, then=(then,))
    due_ms = lab.now + HOUR_MS
    relay(lab)
    job = lab.read(then.ref)
    assert (job.state, job.due_ms) == (State.SCHEDULED, due_ms)
