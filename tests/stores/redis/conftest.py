"""Private Redis servers, an open store on one of them, and the shortest way through all verbs."""

import itertools
from collections.abc import Callable, Iterator

import pytest
import redis

from core.backends.contract import Backend, Exchange, ExchangeReply, Note, PageQuery, Sweep
from core.backends.redis.backend import RedisBackend
from core.model.gate import Gate, task_gate
from core.model.ident import new_raw
from core.model.job import Claim, NewJob, Unique
from core.model.outcome import Charge, Outcome
from core.model.retention import Retention
from core.model.states import State, Verb
from core.model.worker import WorkerInfo, WorkerOrders
from tests.servers import RedisServer

WORKER = "w" * 32
_calls = itertools.count(1)


def job(queue: str = "mail", **fields: object) -> NewJob:
    known = {"queue": queue, "raw": new_raw(), "task": "shop.send", "arguments": b"\x80"}
    return NewJob(**{**known, **fields})


def work(store: Backend, *outcomes: Outcome, queue: str = "mail", **fields: object) -> ExchangeReply:
    call = Exchange(queue=queue, worker=WORKER, call=next(_calls), outcomes=outcomes, **fields)
    return store.exchange(call)


def end(claim: Claim, state: State, **fields: object) -> Outcome:
    return Outcome(raw=claim.raw, token=claim.token, state=state, **fields)


def walk_all_verbs(store: Backend) -> None:
    """Every verb, on jobs in every state, with everything that a job may carry."""
    store.enqueue([job(unique_key=f"key:{n}", priority=n % 3) for n in range(12)])
    store.enqueue([job(delay_ms=3_600_000), job(run_at_ms=4_000_000_000_000, unique_key="later")])
    claims = list(work(store, want=10).claims)
    _settle_each_way(store, claims)
    store.renew("mail", [(claims[7].raw, claims[7].token)], 30_000)
    store.release("mail", [(claims[8].raw, claims[8].token)])
    for verb in Verb:
        store.act(verb, "mail", [claim.raw for claim in claims], f"operation {verb}", "because")
    work(store, want=50, minutes={"shop.send|completed": 2})
    store.rescue("mail", 10, 30_000)
    _leave_notes(store)
    _walk_gates(store)
    _move_jobs(store)
    store.pause("mail", "maintenance")
    store.resume("mail")
    store.put_schedule("mail", "nightly", b"spec", enabled=True)
    entry = store.switch_schedule("mail", "nightly", enabled=False)
    entry = store.switch_schedule("mail", "nightly", enabled=True)
    assert entry is not None
    assert store.tick("mail", "nightly", entry.version, entry.last_fire_ms, entry.last_fire_ms + 60_000, job())
    store.beat(WorkerInfo(id=WORKER))
    store.order(WORKER, WorkerOrders(quiet=True))
    assert [info.id for info in store.workers()] == [WORKER]
    _read_everything(store, claims)
    for state in State:
        store.purge("mail", state, 4_000_000_000_000, 1)
    store.trim("mail", Retention(), 100)
    store.wait(["mail", "other"], 0.02)
    store.forget(WORKER)


def _settle_each_way(store: Backend, claims: list[Claim]) -> None:
    states = [State.COMPLETED, State.FAILED, State.DEAD, State.HELD, State.SCHEDULED, State.CANCELLED]
    settled = [
        end(
            claim,
            state,
            result=b"\xc0",
            error=b"\xa1e",
            line=b"\xa1l",
            stream="failures" if state is State.DEAD else "completed",
            reason="why" if state is State.HELD else "",
            delay_ms=0,
            then=(job(), job("other")),
        )
        for claim, state in zip(claims, states, strict=False)
    ]
    settled.append(end(claims[6], State.PENDING, charge=Charge.LOST))
    work(store, *settled, minutes={"shop.send|completed": 1, "shop.send|wait_ms": 20}, keep_completed=1)


def _leave_notes(store: Backend) -> None:
    """With a job that fails, is claimed again, is completed and moves."""
    [receipt] = store.enqueue([job("noted")])
    for state, checkpoint in ((State.PENDING, b""), (State.COMPLETED, b"C")):
        [claim] = work(store, queue="noted", want=1).claims
        assert claim.checkpoint == checkpoint
        assert store.note("noted", [Note(claim.raw, claim.token, b"P", b"C", b"L")]) == []
        work(store, end(claim, state), queue="noted", keep_completed=1)
    [found] = store.get([receipt.ref])
    assert found is not None
    assert found.log == b"L"
    assert store.adopt("noted again", [found]) == [True]
    assert store.withdraw("noted", [(claim.raw, found.state, found.score)]) == 1


def _walk_gates(store: Backend) -> None:
    """Past a limit and a rate, past a task that somebody waits for, and by order, with keys of each kind."""
    limit, rate = Gate("limit:gated", limit=1), Gate("rate:gated", interval_us=1_000_000)
    kinds = [(Unique.WHILE_PENDING, 0), (Unique.FOR_A_TIME, 60_000), (Unique.UNTIL_FINISHED, 0)]
    jobs = [
        job("gated", gate=gate, unique_key=f"{gate.name}:{kind}", unique=kind, unique_ms=ms)
        for gate in (limit, rate)
        for kind, ms in kinds
    ]
    store.enqueue([*jobs, job("gated", task="shop.unknown")])
    claims = work(store, queue="gated", want=10).claims
    assert len(claims) == 3
    info = store.gate("gated", limit.name)
    assert info is not None
    assert info.waiting == 2
    elsewhere = [end(claim, State.HELD, held_at=task_gate(claim.task)) for claim in claims[2:]]
    assert work(store, *elsewhere, queue="gated").awaited == ["shop.unknown"]
    work(store, queue="gated", want=1, serve=["shop.unknown"])
    store.release("gated", [(claims[0].raw, claims[0].token)])
    store.act(Verb.RETRY, "gated", [jobs[2].raw], "past the gate")
    for state in State:
        store.sweep(Sweep(queue="gated", verb=Verb.CANCEL, state=state, before_ms=4_000_000_000_000, operation="sweep"))
    store.sweep(
        Sweep(queue="gated", verb=Verb.RETRY, state=State.CANCELLED, before_ms=4_000_000_000_000, operation="again")
    )
    store.trim("gated", Retention(), 10)


def _move_jobs(store: Backend) -> None:
    """From one queue to another, in their states and places, with their schedule."""
    for state in (State.PENDING, State.CANCELLED, State.HELD):
        rows = store.page(PageQuery(state=state, queues=("gated",))).jobs
        whole = [found for found in store.get([row.ref for row in rows]) if found is not None]
        assert all(store.adopt("moved", whole))
        store.withdraw("gated", [(found.ref.raw, found.state, found.score) for found in whole])
    store.adopt_schedule(store.put_schedule("gated", "hourly", b"spec", enabled=False))


def _read_everything(store: Backend, claims: list[Claim]) -> None:
    store.get([claim.ref for claim in claims])
    store.page(PageQuery(state=State.COMPLETED, having=(b"\x80",)))
    store.ahead(claims[0].ref, 10)
    for state in State:
        page = store.page(PageQuery(state=state, limit=1))
        store.page(PageQuery(state=state, limit=1, after=page.next, task="shop.*"))
    for stream in ("failures", "completed"):
        [entry] = store.journal("mail", stream, "", 10)
        assert store.journal("mail", stream, entry.position, 10) == []
    assert store.minutes("mail", 0)
    assert store.schedules()
    assert store.counts()
    assert store.now_ms()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A server of this test's own, to be hurt."""
    with RedisServer() as started:
        yield started


@pytest.fixture
def raw_client(redis_server: str) -> Iterator[redis.Redis]:
    """A plain client of the shared server, which is empty at first."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
        yield client


@pytest.fixture
def store(raw_client: redis.Redis, redis_server: str) -> Iterator[RedisBackend]:
    opened = RedisBackend(redis_server)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture(params=["with-flags", "without-flags"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms of the scripts: for Redis 7 and later, and for those before it."""
    if request.param == "without-flags":
        monkeypatch.setattr("core.backends.redis.link._has_flags", lambda version: False)
    return str(request.param)


Opener = Callable[..., RedisBackend]


@pytest.fixture
def open_store() -> Iterator[Opener]:
    """Opens stores and closes them when the test is over."""
    opened: list[RedisBackend] = []

    def open_one(source: str | redis.Redis, **options: object) -> RedisBackend:
        opened.append(RedisBackend(source, **options))
        opened[-1].open()
        return opened[-1]

    yield open_one
    for backend in opened:
        backend.close()
