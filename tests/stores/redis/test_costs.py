"""What a job costs: commands and script calls counted by the server, bytes in its memory."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import redis
from redis.connection import AbstractConnection

from core.backends.contract import Exchange
from core.backends.redis.backend import RedisBackend
from core.model.job import Claim
from core.model.minutes import tally
from core.model.outcome import AttemptLine, Outcome
from core.model.states import State

from .conftest import WORKER, job

BATCH = 50
ROUNDS = 20
PAYLOAD = {
    "user_id": 12345,
    "email": "someone@example.com",
    "template": "welcome",
    "locale": "en-GB",
    "n": [1, 2, 3],
}
pack = msgspec.msgpack.encode


def counted(client: redis.Redis, act: Callable[[], object]) -> Counter[str]:
    """Commands that the server ran meanwhile, those inside scripts too."""
    client.config_resetstat()
    act()
    stats = client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()}
    return Counter({name: count for name, count in calls.items() if not name.startswith("config")})


def fill(store: RedisBackend, count: int) -> None:
    arguments = (pack({"i": index, "p": PAYLOAD}) for index in range(count))
    store.enqueue([job("bench", task="bench.noop", arguments=packed) for packed in arguments])


def completed(claim: Claim, stream: str) -> Outcome:
    now = claim.claimed_ms
    line = AttemptLine(
        claim.raw,
        claim.task,
        claim.attempts,
        "completed",
        claim.enqueued_ms,
        claim.ready_ms,
        claim.claimed_ms,
        now,
        now,
        WORKER,
        4,
        1,
    )
    return Outcome(claim.raw, claim.token, State.COMPLETED, result=pack(None), line=pack(line), stream=stream)


class Worker:
    """Settles what it claimed with the call that claims the next, as the real one does."""

    def __init__(self, store: RedisBackend, *, stream: str, keep: int) -> None:
        self._store, self._stream, self._keep = store, stream, keep
        self._calls = 0
        self._claims: list[Claim] = []

    def turn(self, rounds: int) -> None:
        for _ in range(rounds):
            self._calls += 1
            minutes: Counter[str] = Counter()
            for index, claim in enumerate(self._claims):
                tally(minutes, claim.task, "completed", wait_ms=index, run_ms=index // 10)
            call = Exchange(
                queue="bench",
                worker=WORKER,
                call=self._calls,
                outcomes=[completed(claim, self._stream) for claim in self._claims],
                want=BATCH,
                minutes=minutes,
                keep_completed=self._keep,
            )
            reply = self._store.exchange(call)
            assert not reply.refused
            assert len(reply.claims) == BATCH
            self._claims = list(reply.claims)


@pytest.mark.parametrize("stream", ["", "completed"], ids=["journal-off", "journal-on"])
@pytest.mark.parametrize("keep", [10_000, 100], ids=["retention-free", "retention-full"])
def test_a_batch_of_fifty_costs_little_more_than_half_a_command_a_job(
    store: RedisBackend, raw_client: redis.Redis, stream: str, keep: int
):
    fill(store, BATCH * (ROUNDS + 5))
    worker = Worker(store, stream=stream, keep=keep)
    worker.turn(5)
    spent = counted(raw_client, lambda: worker.turn(ROUNDS))
    jobs = BATCH * ROUNDS
    assert spent["evalsha"] / jobs <= 0.025
    assert spent.total() / jobs <= 0.6, spent


def test_one_enqueue_is_one_call(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job()])
    spent = counted(raw_client, lambda: store.enqueue([job()]))
    assert spent["evalsha"] == 1
    assert set(spent) == {"evalsha", "time", "hmget", "hset", "zadd"}


def test_a_bulk_enqueue_costs_a_call_for_two_hundred_jobs(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job()])
    spent = counted(raw_client, lambda: fill(store, 10_000))
    assert spent["evalsha"] == 50
    assert spent.total() <= 50 * 7


def test_ten_thousand_jobs_of_two_queues_go_in_two_round_trips(store: RedisBackend, monkeypatch: pytest.MonkeyPatch):
    store.enqueue([job("a"), job("b")])
    sent: list[int] = []
    send = AbstractConnection.send_packed_command

    def counting(self: AbstractConnection, command: Any, check_health: bool = True) -> None:
        sent.append(1)
        send(self, command, check_health)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counting)
    assert len(store.enqueue([job(queue) for queue in ("a", "b") for _ in range(5_000)])) == 10_000
    assert len(sent) <= 2


def test_counts_cost_a_call_a_queue_whatever_they_hold(store: RedisBackend, raw_client: redis.Redis):
    store.enqueue([job(queue) for queue in ("a", "b", "c") for _ in range(500)])
    store.counts()
    spent = counted(raw_client, store.counts)
    assert (spent["smembers"], spent["evalsha"]) == (1, 3)
    assert spent.total() <= 4 + 3 * 12


def test_an_idle_exchange_costs_a_handful_of_commands(store: RedisBackend, raw_client: redis.Redis):
    calls = iter(range(1, 10))

    def idle() -> None:
        store.exchange(Exchange(queue="bench", worker=WORKER, call=next(calls), want=4))

    idle()
    assert counted(raw_client, idle).total() <= 12


def test_a_queued_job_takes_at_most_three_hundred_bytes(store: RedisBackend, raw_client: redis.Redis):
    def used() -> int:
        store.close()  # the server's buffers for a connection are no part of a job
        return int(raw_client.info("memory")["used_memory"])

    fill(store, 1)
    before = used()
    fill(store, 20_000)
    bytes_a_job = (used() - before) / 20_000
    with_jemalloc = "jemalloc" in raw_client.info("memory")["mem_allocator"]
    assert bytes_a_job <= (300 if with_jemalloc else 310), bytes_a_job  # others round allocations up further
