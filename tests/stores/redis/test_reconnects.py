"""A link that is lost in any way: the next calls work again, and a call that was cut can be sent once more."""

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest
import redis

from core.backends.contract import Exchange
from core.backends.redis.backend import RedisBackend
from core.errors import StoreUnavailable
from core.model.job import Claim
from core.model.states import State
from tests.redis_proxy import Proxy
from tests.servers import RedisServer

from .conftest import WORKER, Opener, end, job, work

CUTS = 40
RESUME_PROMISE_S = 5.0
ALLOWANCE = 5
T = TypeVar("T")
NAME = "jobs-redis.test"


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    with Proxy(server.port) as started:
        yield started


@pytest.fixture
def cut_store(proxy: Proxy, open_store: Opener) -> RedisBackend:
    """A store on the far side of the proxy."""
    return open_store(f"redis://127.0.0.1:{proxy.port}/0")


def test_replies_cut_in_their_middle_lose_and_double_nothing(cut_store: RedisBackend, proxy: Proxy):
    """At every place of a reply: what was cut is sent again, as clients and workers do."""
    enqueued: list[bytes] = []
    settled: list[bytes] = []
    resumed: list[float] = []
    claims: list[Claim] = []
    for cut in range(CUTS):
        proxy.cut_after = cut % 20
        batch = [job(), job()]
        resumed.append(insist(lambda batch=batch: cut_store.enqueue(batch))[1])
        enqueued += [each.raw for each in batch]
        proxy.cut_after = cut * 7
        reply, took_s = insist(lambda cut=cut, claims=claims: cut_store.exchange(turn(cut + 1, claims, want=3)))
        resumed.append(took_s)
        assert reply.refused == []
        settled += [claim.raw for claim in claims]
        claims = list(reply.claims)
    assert proxy.cuts >= CUTS
    proxy.cut_after = None
    assert cut_store.exchange(turn(CUTS + 1, claims, want=0)).refused == []
    settled += [claim.raw for claim in claims]
    assert sorted(settled) == sorted(enqueued), "each was settled once"
    assert cut_store.counts()[0].states[State.COMPLETED] == 2 * CUTS
    assert max(resumed) < RESUME_PROMISE_S * ALLOWANCE
    print(f"{proxy.cuts} replies cut: answered {statistics.median(resumed) * 1000:.1f} ms later (median)")


def turn(number: int, claims: Sequence[Claim], *, want: int) -> Exchange:
    """A worker's call of that number, which settles what it holds."""
    outcomes = tuple(end(claim, State.COMPLETED) for claim in claims)
    return Exchange(queue="mail", worker=WORKER, call=number, outcomes=outcomes, want=want, keep_completed=0)


def insist(act: Callable[[], T]) -> tuple[T, float]:
    """Send a call until it is answered; the answer, and the seconds that took."""
    began = time.monotonic()
    while True:
        try:
            return act(), time.monotonic() - began
        except StoreUnavailable:
            assert time.monotonic() - began < RESUME_PROMISE_S * ALLOWANCE
            time.sleep(0.001)


def test_a_link_that_is_cut_while_nobody_speaks_costs_at_most_an_error(cut_store: RedisBackend, proxy: Proxy):
    cut_store.enqueue([job()])
    proxy.cut_all()
    insist(lambda: cut_store.enqueue([job()]))
    assert cut_store.counts()[0].states[State.PENDING] == 2


def test_a_sleeper_whose_link_is_cut_sleeps_on(cut_store: RedisBackend, proxy: Proxy):
    """It hears of the next job all the same."""
    slept = threading.Event()

    def sleep() -> None:
        while not insist(cut_store.counts)[0][0].states[State.PENDING]:
            cut_store.wait(["mail"], 30.0)
        slept.set()

    cut_store.pause("mail", "")
    cut_store.resume("mail")
    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    proxy.cut_all()
    insist(lambda: cut_store.enqueue([job()]))
    assert slept.wait(RESUME_PROMISE_S * ALLOWANCE)
    sleeper.join()


def test_a_server_that_was_a_replica_for_a_while_is_used_again(server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    store.enqueue([job()])
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(StoreUnavailable):
            store.enqueue([job()])
        client.execute_command("REPLICAOF", "NO", "ONE")
    assert store.enqueue([job()])[0].created
    assert len(work(store, want=5).claims) == 2


def test_another_address_behind_the_same_name_is_found(server: RedisServer, open_store: Opener, monkeypatch):
    """As after a failover that moves a DNS name: what is connected anew asks for the name again."""
    leads_to = {NAME: "127.0.0.1"}
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more: resolve(leads_to.get(host, host), *more))
    store = open_store(f"redis://{NAME}:{server.port}/0")
    before = store.store_id
    store.enqueue([job()])
    other = RedisServer(bind="127.0.0.2")
    other.port = server.port
    try:
        other.start()
        assert other.port == server.port
        leads_to[NAME] = "127.0.0.2"
        server.stop()
        insist(lambda: store.enqueue([job()]))
        assert store.store_id != before, "an empty server is another store"
        with redis.Redis(host="127.0.0.2", port=other.port) as client:
            assert client.zcard("jobs:{mail}:ready") == 1
    finally:
        other.close()
