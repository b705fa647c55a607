"""Sweeps, adoption and withdrawal of thousands: in calls of a bounded size, whole, and refused when memory is full."""

import msgspec
import pytest
import redis

from core.backends.contract import PageQuery, Sweep
from core.backends.redis.backend import RedisBackend
from core.errors import StoreFull
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.states import State, Verb
from tests.conformance.clock import FakeClock
from tests.servers import RedisServer

from .conftest import Opener, end, job, work
from .test_costs import counted

LATER_MS = 4_000_000_000_000


@pytest.fixture
def moved(form: str, open_store: Opener, raw_client: redis.Redis, redis_server: str) -> RedisBackend:
    return open_store(redis_server, clock=FakeClock())


def whole(store: RedisBackend, state: State, queue: str = "mail") -> list[StoredJob]:
    rows = store.page(PageQuery(state=state, queues=(queue,), limit=5_000)).jobs
    return [found for found in store.get([row.ref for row in rows]) if found is not None]


def faces(one: StoredJob) -> StoredJob:
    return msgspec.structs.replace(one, ref=JobRef("", one.ref.raw))


def sweep(**fields: object) -> Sweep:
    known = {"queue": "mail", "verb": Verb.CANCEL, "state": State.PENDING, "before_ms": LATER_MS, "operation": "op"}
    return Sweep(**{**known, **fields})


def test_a_sweep_of_thousands_goes_on_where_it_stopped(moved: RedisBackend):
    moved.enqueue([job(task="shop.send" if n % 3 else "shop.bill") for n in range(1_000)])
    done, after, chunks = 0, None, 0
    while True:
        swept = moved.sweep(sweep(task="shop.b*", after=after, limit=200, scan_limit=350))
        done, after, chunks = done + swept.applied, swept.next, chunks + 1
        assert swept.scanned <= 350
        if after is None:
            break
    assert (done, chunks) == (334, 3)
    assert moved.counts()[0].states[State.CANCELLED] == 334
    assert {found.task for found in whole(moved, State.PENDING)} == {"shop.send"}


def test_one_call_of_a_sweep_acts_on_a_hundred_at_most(moved: RedisBackend, raw_client: redis.Redis):
    moved.enqueue([job() for _ in range(1_000)])
    spent = counted(raw_client, lambda: moved.sweep(sweep(limit=400)))
    assert spent["evalsha"] == 4
    assert moved.counts()[0].states[State.PENDING] == 600


def test_a_sweep_of_large_jobs_reads_a_few_at_a_time(moved: RedisBackend, raw_client: redis.Redis):
    moved.enqueue([job(arguments=bytes(60_000)) for _ in range(120)])
    spent = counted(raw_client, lambda: moved.sweep(sweep(limit=100)))
    assert moved.counts()[0].states[State.CANCELLED] == 100
    assert spent["evalsha"] == 2


def test_a_queue_moves_whole_within_a_store(moved: RedisBackend):
    gate = Gate("limit:shop.send", limit=3)
    moved.enqueue([job(gate=gate, unique_key=f"key:{n}") for n in range(500)])
    claims = work(moved, want=10).claims
    work(moved, *(end(claim, State.DEAD, error=b"\xa1e", line=b"\xa1l") for claim in claims))
    moved.enqueue([job(delay_ms=60_000) for _ in range(5)])
    first = State.HELD  # or the slots of those who go before them would let some through
    before = {state: whole(moved, state) for state in (first, *(state for state in State if state is not first))}
    for jobs in before.values():
        assert all(moved.adopt("elsewhere", jobs))
        assert not any(moved.adopt("elsewhere", jobs))
        places = [(one.ref.raw, one.state, one.score) for one in jobs]
        assert moved.withdraw("mail", places) == len(jobs)
        assert moved.withdraw("mail", places) == 0
    for state, jobs in before.items():
        assert [faces(one) for one in whole(moved, state, "elsewhere")] == [faces(one) for one in jobs]
    assert sum(moved.counts()[1].states.values()) == 0
    info = moved.gate("elsewhere", gate.name)
    assert info is not None
    assert (info.used, info.waiting) == (0, len(before[State.HELD]))
    assert len(work(moved, want=50, queue="elsewhere").claims) == 3


def test_thousands_are_adopted_in_calls_of_two_hundred(moved: RedisBackend, raw_client: redis.Redis):
    moved.enqueue([job() for _ in range(1_000)])
    jobs = whole(moved, State.PENDING)
    spent = counted(raw_client, lambda: moved.adopt("elsewhere", jobs))
    assert spent["evalsha"] == 5
    assert spent.total() <= 5 * 8 + 2


def test_nothing_of_a_list_with_a_running_job_is_adopted(moved: RedisBackend):
    moved.enqueue([job(), job()])
    work(moved, want=1)
    jobs = [*whole(moved, State.PENDING), *whole(moved, State.RUNNING)]
    with pytest.raises(ValueError, match="running"):
        moved.adopt("elsewhere", jobs)
    assert moved.counts()[0].queue == "mail"


def test_a_full_store_adopts_nothing(form: str, server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    store.enqueue([job() for _ in range(5)])
    jobs = whole(store, State.PENDING)
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
    with pytest.raises(StoreFull):
        store.adopt("elsewhere", jobs)
    assert store.withdraw("mail", [(one.ref.raw, one.state, one.score) for one in jobs]) == 5
