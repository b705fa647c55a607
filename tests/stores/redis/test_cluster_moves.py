"""While the slot of a queue is moved to another server, key by key: calls wait, nothing is lost, nothing is doubled."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
import redis

from core.backends.contract import Exchange, ExchangeReply
from core.backends.redis.backend import RedisBackend
from core.backends.redis.scripts import load_scripts
from core.errors import StoreUnavailable
from core.model.states import State
from tests.redis_cluster import RedisCluster, SlotMove, number_of, slot_of

from .conftest import Opener, end, job, work

BUSY, BESIDE = "mail", "bills"
ROUND_TRIPS = 3
BETWEEN_KEYS_S = 0.03


@pytest.fixture
def cluster(redis_cluster: RedisCluster) -> RedisCluster:
    redis_cluster.clear()
    return redis_cluster


@pytest.fixture
def move(cluster: RedisCluster) -> SlotMove:
    """The way of the busy queue's slot to the next server; who goes it, goes it back, too."""
    here = number_of(BUSY)
    return SlotMove(cluster, slot_of(BUSY), here, here + 1)


def go(move: SlotMove) -> None:
    move.begin()
    move.finish()


class Ledger:
    """What was acknowledged and what was settled, written down outside the store."""

    def __init__(self) -> None:
        self.enqueued: list[bytes] = []
        self.settled: Counter[bytes] = Counter()
        self.longest_s = 0.0
        self._lock = threading.Lock()

    def timed(self, act: Callable[[], object]) -> object:
        """Do something until the store takes it, as clients and workers do."""
        began = time.monotonic()
        while True:
            try:
                answer = act()
            except StoreUnavailable:
                time.sleep(0.05)
                continue
            with self._lock:
                self.longest_s = max(self.longest_s, time.monotonic() - began)
            return answer

    def produce(self, store: RedisBackend, queue: str, stop: threading.Event) -> None:
        while not stop.is_set():
            batch = [job(queue) for _ in range(3)]
            receipts = self.timed(lambda batch=batch: store.enqueue(batch))
            assert all(receipt.created for receipt in receipts)
            with self._lock:
                self.enqueued += [each.raw for each in batch]
            time.sleep(0.002)

    def consume(self, store: RedisBackend, queue: str, worker: str, is_over: Callable[[], bool]) -> None:
        """Claim and settle until the producers have ended and nothing is left."""
        reply = ExchangeReply()
        for number in itertools.count(1):
            claims = reply.claims
            outcomes = tuple(end(claim, State.COMPLETED) for claim in claims)
            over = is_over()
            call = Exchange(queue=queue, worker=worker, call=number, outcomes=outcomes, want=10, keep_completed=0)
            reply = self.timed(lambda call=call: store.exchange(call))
            with self._lock:
                self.settled.update(claim.raw for claim in claims if claim.raw not in reply.refused)
            if over and not reply.claims:
                return
            if not reply.claims:
                store.wait([queue], 0.1)


@pytest.mark.timeout(120)
def test_a_busy_queue_is_moved_and_moved_back_without_loss(cluster: RedisCluster, move: SlotMove, open_store: Opener):
    ledger, stop, threads = Ledger(), threading.Event(), []
    producers = [
        threading.Thread(target=ledger.produce, args=(open_store(cluster.url), queue, stop))
        for queue in (BUSY, BUSY, BESIDE)
    ]
    over = lambda: not any(producer.is_alive() for producer in producers)  # noqa: E731
    for number, queue in enumerate((BUSY, BUSY, BESIDE)):
        name = f"{number}".rjust(32, "w")
        threads.append(threading.Thread(target=ledger.consume, args=(open_store(cluster.url), queue, name, over)))
    for thread in [*producers, *threads]:
        thread.start()
    settled_after = []
    try:
        for way in (move, move.back()) * ROUND_TRIPS:
            go_slowly(way)
            time.sleep(0.1)
            settled_after.append(ledger.settled.total())
    finally:
        stop.set()
        for thread in [*producers, *threads]:
            thread.join(60)
    assert set(ledger.settled) == set(ledger.enqueued)
    assert set(ledger.settled.values()) == {1}
    assert settled_after == sorted(set(settled_after)), "work went on between the moves"
    assert ledger.longest_s > 3 * BETWEEN_KEYS_S, "no call met a slot on its way"
    store = open_store(cluster.url)
    counts = {counts.queue: counts.states for counts in store.counts()}
    assert sum(states[State.COMPLETED] for states in counts.values()) == len(ledger.enqueued)
    assert all(states[State.PENDING] == states[State.RUNNING] == 0 for states in counts.values())
    print(f"{len(ledger.enqueued)} jobs over {2 * ROUND_TRIPS} moves, longest call {ledger.longest_s:.2f} s")


def go_slowly(move: SlotMove) -> None:
    move.begin()
    for key in move.left():
        move.move(key)
        time.sleep(BETWEEN_KEYS_S)
    move.finish()


def test_a_call_waits_no_longer_than_its_patience(cluster: RedisCluster, move: SlotMove, open_store: Opener):
    hasty, other = open_store(cluster.url, answer_seconds=0.05), open_store(cluster.url)
    other.enqueue([job(BUSY), job(BESIDE)])
    move.begin()
    try:
        move.move(move.left()[0])
        with pytest.raises(StoreUnavailable, match="moves the slot"):
            hasty.enqueue([job(BUSY)])
        with pytest.raises(StoreUnavailable, match="moves the slot"):
            hasty.enqueue([job(BUSY), job(BESIDE)])
        assert hasty.enqueue([job(BESIDE)])[0].created, "other slots go on"
    finally:
        move.finish()
    assert len(work(hasty, want=10, queue=BUSY).claims) == 1
    go(move.back())


def test_a_script_does_not_run_on_a_server_that_is_about_to_give_its_keys_away(
    cluster: RedisCluster, move: SlotMove, open_store: Opener
):
    """The one key of `pause` is there. A key that a script emptied would be another server's affair a line later."""
    store, hasty = open_store(cluster.url), open_store(cluster.url, answer_seconds=0.05)
    store.pause(BUSY, "first")
    assert load_scripts(with_flags=True)["pause"].keys == ("meta",)
    move.begin()
    try:
        with pytest.raises(StoreUnavailable):
            hasty.pause(BUSY, "second")
    finally:
        move.cancel()
    assert store.counts()[0].paused_reason == "first"


def test_a_script_without_that_guard_would_stop_half_way(cluster: RedisCluster, move: SlotMove):
    """What the server does: the reason for the key that never exists."""
    text = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[2], 'done') redis.call('SET', KEYS[1], 'done')"
    one, two, never = (f"{{{BUSY}}}:{name}" for name in ("one", "two", "never"))
    with cluster.client(move.source) as client:
        client.mset({one: "old", two: "old"})
        move.begin()
        with pytest.raises((redis.exceptions.TryAgainError, redis.exceptions.AskError)):  # 7.0; 6.2
            client.eval(text, 3, one, two, never)
        assert client.mget(one, two) == [b"old", b"old"]
        with pytest.raises(redis.ResponseError, match="non local key"):
            client.eval(text, 2, one, two)
        assert client.get(two) == b"done", "the first half was done"
        go(move)
    go(move.back())


def test_an_empty_queue_whose_slot_is_on_its_way_is_waited_for(
    cluster: RedisCluster, move: SlotMove, open_store: Opener
):
    store = open_store(cluster.url)
    move.begin()
    finish = threading.Timer(0.3, move.finish)
    finish.start()
    try:
        assert store.enqueue([job(BUSY)])[0].created
    finally:
        finish.join()
    assert len(work(store, want=1, queue=BUSY).claims) == 1
    go(move.back())


def test_a_slot_that_moved_unseen_is_found_at_once(cluster: RedisCluster, move: SlotMove, open_store: Opener):
    store = open_store(cluster.url)
    store.enqueue([job(BUSY)])
    for way in (move, move.back()):
        go(way)
        began = time.monotonic()
        assert store.enqueue([job(BUSY)])[0].created
        assert time.monotonic() - began < 1
