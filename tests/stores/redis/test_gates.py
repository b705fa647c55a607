"""Gates in Redis: what they cost, how much of it one call does, and that they leave nothing behind."""

from collections.abc import Sequence

import pytest
import redis

from core.backends.contract import Exchange, ExchangeReply, PageQuery
from core.backends.redis.backend import RedisBackend
from core.model.gate import Gate, task_gate
from core.model.job import Claim, StoredJob
from core.model.outcome import Outcome
from core.model.retention import Retention
from core.model.states import State, Verb
from tests.conformance.clock import FakeClock

from .conftest import WORKER, Opener, end, job, work
from .test_costs import counted

ONE = Gate("limit:shop.send", limit=1)
OPEN = Gate("limit:shop.send")
LINES = ("gates", "waiting", "openings", "awaited")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timed(form: str, open_store: Opener, raw_client: redis.Redis, redis_server: str, clock: FakeClock) -> RedisBackend:
    return open_store(redis_server, clock=clock)


def finish(store: RedisBackend, claims: Sequence[Claim], **fields: object) -> ExchangeReply:
    return work(store, *(end(claim, State.COMPLETED) for claim in claims), **fields)


def left_over(client: redis.Redis) -> set[str]:
    return {name for name in LINES if client.exists(f"jobs:{{mail}}:{name}")}


def drain(store: RedisBackend, *, want: int = 50) -> list[bytes]:
    """Everything that can be claimed, in the order of the claims."""
    done: list[bytes] = []
    claims = work(store, want=want).claims
    while claims:
        done += [claim.raw for claim in claims]
        claims = finish(store, claims, want=want).claims
    return done


def test_gates_leave_nothing_behind(timed: RedisBackend, raw_client: redis.Redis):
    timed.enqueue([job(gate=Gate(f"limit:{n % 7}", limit=2)) for n in range(100)])
    assert len(drain(timed)) == 100
    assert left_over(raw_client) == set()
    assert timed.counts()[0].states[State.COMPLETED] == 100
    assert raw_client.hget("jobs:{mail}:meta", "waits") is None


def test_waiters_that_are_deleted_leave_nothing_behind(timed: RedisBackend, raw_client: redis.Redis):
    timed.enqueue([job(gate=ONE) for _ in range(9)])
    [claim] = work(timed, want=5).claims
    assert raw_client.zcard("jobs:{mail}:waiting") == 8
    assert timed.purge("mail", State.HELD, 4_000_000_000_000, 100) == 8
    finish(timed, [claim])
    assert left_over(raw_client) == set()


def test_a_rate_is_forgotten_by_trim_once_it_is_at_rest(timed: RedisBackend, clock: FakeClock, raw_client: redis.Redis):
    timed.enqueue([job(gate=Gate("rate:shop.send", interval_us=1_000_000, burst=5)) for _ in range(3)])
    finish(timed, work(timed, want=5).claims)
    clock.move(2_999)
    timed.trim("mail", Retention(), 10)
    assert left_over(raw_client) == {"gates"}
    clock.move(1)
    timed.trim("mail", Retention(), 10)
    assert left_over(raw_client) == set()


def test_names_that_begin_alike_are_gates_of_their_own(timed: RedisBackend):
    names = ["a", "aa", "a\x00", "a\x00\x00", "ä", "limit:" + "é" * 190, "a" * 200]
    jobs = {name: [job(gate=Gate(name, limit=1)) for _ in range(3)] for name in names}
    timed.enqueue([one for of_name in jobs.values() for one in of_name])
    claims = work(timed, want=100).claims
    assert len(claims) == len(names)
    for name in names:
        info = timed.gate("mail", name)
        assert info is not None
        assert (info.used, info.waiting, info.gate.name) == (1, 2, name)
    order = [claim.raw for claim in claims] + drain_from(timed, claims)
    for of_name in jobs.values():
        assert [raw for raw in order if raw in {one.raw for one in of_name}] == sorted(one.raw for one in of_name)


def drain_from(store: RedisBackend, claims: Sequence[Claim]) -> list[bytes]:
    done: list[bytes] = []
    while claims:
        claims = finish(store, claims, want=50).claims
        done += [claim.raw for claim in claims]
    return done


def test_one_call_turns_away_two_hundred_at_most_and_the_next_goes_on(timed: RedisBackend):
    timed.enqueue([job(gate=ONE, priority=9) for _ in range(500)])
    free = timed.enqueue([job()])[0].ref
    assert len(work(timed, want=3).claims) == 1
    held = timed.counts()[0].states[State.HELD]
    assert held == 200
    assert work(timed, want=3).claims == []
    assert [claim.ref for claim in work(timed, want=3).claims] == [free]
    assert timed.counts()[0].states[State.HELD] == 499


def test_a_job_behind_many_that_are_turned_away_is_not_lost(timed: RedisBackend):
    timed.enqueue([job(gate=ONE, priority=9) for _ in range(190)])
    free = [receipt.ref for receipt in timed.enqueue([job() for _ in range(30)])]
    claims = work(timed, want=4).claims
    assert [claim.ref for claim in claims[1:]] == sorted(free, key=lambda ref: ref.raw)[:3]
    assert timed.counts()[0].states[State.PENDING] == 27


def test_a_wide_open_gate_lets_two_hundred_a_call_through_and_the_rest_with_the_next_claims(timed: RedisBackend):
    timed.enqueue([job(gate=ONE) for _ in range(700)])
    for _ in range(5):
        work(timed, want=1)
    assert timed.counts()[0].states[State.HELD] == 699
    timed.enqueue([job(gate=OPEN)])
    reply = work(timed, want=1)
    counts = timed.counts()[0].states
    assert (counts[State.HELD], counts[State.PENDING]) == (500, 200)
    assert reply.next_due_ms == timed.now_ms()
    claimed = 0
    while claims := work(timed, want=100).claims:
        claimed += len(claims)
    assert claimed == 700
    assert timed.counts()[0].states[State.HELD] == 0


def test_one_more_at_the_end_of_a_long_line_waits_behind_it(timed: RedisBackend):
    timed.enqueue([job(gate=ONE) for _ in range(60)])
    first = work(timed, want=100).claims
    late = timed.enqueue([job(gate=ONE)])[0].ref
    work(timed, want=1)
    order = drain_from(timed, first)
    assert len(order) == 60
    assert order[-1] == late.raw


def test_a_place_in_line_whose_job_was_lost_does_not_keep_its_slot(timed: RedisBackend, raw_client: redis.Redis):
    lost, kept = sorted(receipt.ref.raw for receipt in timed.enqueue([job(gate=ONE) for _ in range(3)]))[1:]
    claims = work(timed, want=5).claims
    for name in ("job", "live"):
        raw_client.hdel(f"jobs:{{mail}}:{name}", lost)
    raw_client.zrem("jobs:{mail}:waiting", *raw_client.zrange("jobs:{mail}:waiting", 0, 0))
    raw_client.zrem("jobs:{mail}:held", lost)
    [following] = finish(timed, claims, want=5).claims
    assert following.raw == kept
    finish(timed, [following])
    assert timed.gate("mail", ONE.name) is None


def test_a_place_in_line_of_one_who_does_not_wait_moves_nobody(timed: RedisBackend, raw_client: redis.Redis):
    timed.enqueue([job(gate=ONE) for _ in range(3)])
    [claim] = work(timed, want=5).claims
    line = "jobs:{mail}:waiting"
    [first, _] = raw_client.zrange(line, 0, -1)
    head, other = first[:-22], timed.enqueue([job()])[0].ref
    [running] = work(timed, want=1).claims
    raw_client.zadd(line, {head + bytes(8) + running.raw: 0})
    finish(timed, [claim])
    assert running.ref == other
    found = timed.get([other])[0]
    assert found is not None
    assert found.state is State.RUNNING
    finish(timed, [running])
    assert len(drain(timed)) == 2
    assert left_over(raw_client) == set()


def test_a_job_that_was_lost_after_it_had_passed_leaves_its_slot(timed: RedisBackend, raw_client: redis.Redis):
    timed.enqueue([job(gate=ONE) for _ in range(2)])
    [claim] = work(timed, want=5).claims
    timed.act(Verb.RETRY, "mail", [row.ref.raw for row in held(timed)], "past the gate")
    [passed] = timed.page(PageQuery(state=State.PENDING)).jobs
    raw_client.hdel("jobs:{mail}:job", passed.ref.raw)
    assert work(timed, want=5).claims == []
    finish(timed, [claim])
    assert timed.gate("mail", ONE.name) is None


def held(store: RedisBackend) -> Sequence[StoredJob]:
    return store.page(PageQuery(state=State.HELD)).jobs


def test_a_batch_of_jobs_that_pass_costs_two_commands_a_job_at_most(timed: RedisBackend, raw_client: redis.Redis):
    timed.enqueue([job(gate=Gate(f"limit:{n}", limit=1)) for n in range(100)])
    claims = work(timed, want=50).claims
    spent = counted(raw_client, lambda: finish(timed, claims, want=50))
    assert spent.total() <= 100, spent


def test_jobs_that_wait_cost_an_exchange_without_a_gate_three_commands(timed: RedisBackend, raw_client: redis.Redis):
    timed.enqueue([job() for _ in range(100)])
    before = counted(raw_client, lambda: work(timed, want=50))
    timed.enqueue([job(gate=ONE, priority=50) for _ in range(20)])
    work(timed, want=1)
    work(timed, want=1)
    assert timed.counts()[0].states[State.HELD] == 19
    after = counted(raw_client, lambda: work(timed, want=40))
    assert after.total() <= before.total() + 6, (before, after)


def test_a_resumed_queue_wakes_for_those_whose_rate_has_come(timed: RedisBackend, clock: FakeClock):
    timed.enqueue([job(gate=Gate("rate:shop.send", interval_us=1_000_000)) for _ in range(2)])
    work(timed, want=5)
    timed.pause("mail", "for a moment")
    clock.move(1_000)
    assert work(timed, want=5).claims == []
    timed.wait(["mail"], 0.02)  # takes a marker of before along
    timed.resume("mail")
    timed.wait(["mail"], 60)  # returns at once, or this test takes a minute
    assert len(work(timed, want=5).claims) == 1


def test_verbs_of_a_bulk_see_what_the_ones_before_let_through(timed: RedisBackend):
    jobs = sorted((job(gate=ONE) for _ in range(3)), key=lambda one: one.raw)
    timed.enqueue(jobs)
    claims = work(timed, want=5).claims
    timed.release("mail", [(claim.raw, claim.token) for claim in claims])
    acted = timed.act(Verb.CANCEL, "mail", [one.raw for one in jobs], "all")
    # The one given back waits in front; its slot goes to the next, whose cancellation lets the last one through.
    assert {one.after for one in acted} == {State.CANCELLED}
    assert [one.before for one in acted][1:] == [State.PENDING, State.PENDING]
    assert timed.gate("mail", ONE.name) is None


def test_a_settle_repeated_after_a_lost_reply_frees_one_slot(timed: RedisBackend):
    timed.enqueue([job(gate=ONE) for _ in range(4)])
    [claim] = timed.exchange(Exchange(queue="mail", worker=WORKER, call=10_001, want=9)).claims
    settle = Exchange(
        queue="mail", worker=WORKER, call=10_002, want=9, outcomes=[Outcome(claim.raw, claim.token, State.COMPLETED)]
    )
    assert timed.exchange(settle).claims == timed.exchange(settle).claims
    info = timed.gate("mail", ONE.name)
    assert info is not None
    assert (info.used, info.waiting) == (1, 2)


def test_the_first_to_wait_for_a_task_may_be_served_in_the_same_call(timed: RedisBackend):
    timed.enqueue([job()])
    [claim] = work(timed, want=1).claims
    reply = work(timed, end(claim, State.HELD, held_at=task_gate("shop.send")), want=1, serve=["shop.send"])
    assert [again.raw for again in reply.claims] == [claim.raw]
    assert reply.awaited == []
