"""Servers behind sentinels: the master is found, found again when another takes over, and losses are counted."""

import itertools
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import redis

from core.backends.contract import Exchange, ExchangeReply
from core.backends.redis.backend import RedisBackend
from core.errors import StoreError, StoreUnavailable
from core.model.ident import JobRef
from core.model.states import State
from tests.redis_sentinel import Watched

from .conftest import Opener, end, job, walk_all_verbs, work

PROMISE_S = 10.0  # from the promotion to the first job that is done again
ALLOWANCE = 5
FAILOVERS = 3


@pytest.fixture(scope="module")
def shared() -> Iterator[Watched]:
    with Watched(password="right") as watched:
        yield watched


@pytest.fixture
def watched(shared: Watched) -> Watched:
    """Empty and whole; who takes its master away puts it back."""
    shared.until_watched()
    with shared.client(shared.master()) as client:
        client.flushall()
    return shared


def until(act, seconds: float) -> float:
    """Repeat what raises StoreUnavailable until it does not; answers how long that took."""
    began = time.monotonic()
    while True:
        try:
            act()
        except StoreUnavailable:
            assert time.monotonic() - began < seconds
            time.sleep(0.01)
        else:
            return time.monotonic() - began


def test_every_verb_works(watched: Watched, open_store: Opener):
    walk_all_verbs(open_store(watched.url))


def test_passwords_are_not_shown(watched: Watched, open_store: Opener):
    assert open_store(watched.url).url == watched.url.replace(":right@", "")


def test_one_sentinel_of_the_url_is_enough(watched: Watched, open_store: Opener):
    head, _, tail = watched.url.partition("@")
    last = tail.split(",")[-1]
    assert open_store(f"{head}@127.0.0.1:1,{last}").enqueue([job()])[0].created


def test_a_service_that_no_sentinel_knows_is_unavailable_and_named(watched: Watched):
    backend = RedisBackend(watched.url.replace("/jobs/0", "/other/0"))
    with pytest.raises(StoreUnavailable, match="other"):
        backend.open()
    backend.close()


def test_a_wrong_password_is_named(watched: Watched):
    backend = RedisBackend(watched.url.replace(":right@", ":wrong@"))
    with pytest.raises(StoreError, match="password"):
        backend.open()
    backend.close()


def test_sentinels_may_have_a_login_of_their_own(watched: Watched, open_store: Opener):
    for sentinel in watched.sentinels:
        with watched.client(sentinel) as client:
            client.execute_command("ACL", "SETUSER", "jobs", "on", ">secret", "allcommands", "allchannels")
            client.execute_command("ACL", "SETUSER", "default", "resetpass", ">else")
    try:
        with pytest.raises(StoreUnavailable):
            RedisBackend(watched.url).open()
        store = open_store(watched.url_with(sentinel_username="jobs", sentinel_password="secret"))
        assert store.enqueue([job()])[0].created
        assert "secret" not in store.url
    finally:
        for sentinel in watched.sentinels:
            with redis.Redis(port=sentinel.port, password="else") as client:
                client.execute_command("ACL", "SETUSER", "default", "nopass")


def test_a_demoted_master_is_left_for_its_successor(watched: Watched, open_store: Opener):
    store = open_store(watched.url)
    store.enqueue([job()])
    old, heir = watched.master(), watched.replica()
    with watched.client(watched.sentinels[0]) as sentinel:
        sentinel.execute_command("SENTINEL", "FAILOVER", "jobs")
    watched.until_promoted(heir)
    took_s = until(lambda: store.enqueue([job()]), PROMISE_S * ALLOWANCE)
    assert store.counts()[0].states[State.PENDING] == 2
    print(f"planned failover: work resumed {took_s:.2f} s after the promotion")
    watched.bring_back(old)
    watched.until_watched()


class Load:
    """A producer and a worker who never give up, and what each of them was told."""

    def __init__(self, make_store) -> None:
        self.acknowledged: list[JobRef] = []
        self.settled: Counter[bytes] = Counter()
        self.done_at: list[float] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._produce, args=(make_store(),)),
            threading.Thread(target=self._work, args=(make_store(),)),
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def until_done_after(self, moment: float, seconds: float) -> float:
        """How long after a moment the first job was settled again."""
        while True:
            if self.done_at and self.done_at[-1] > moment:
                return next(at for at in self.done_at if at > moment) - moment
            assert time.monotonic() - moment < seconds, "work does not go on"
            time.sleep(0.01)

    def _insist(self, act):
        while not self._stop.is_set():
            try:
                return act()
            except StoreUnavailable:
                self._stop.wait(0.02)
        return None

    def _produce(self, store: RedisBackend) -> None:
        while not self._stop.is_set():
            batch = [job() for _ in range(5)]
            receipts = self._insist(lambda batch=batch: store.enqueue(batch)) or []
            self.acknowledged.extend(receipt.ref for receipt in receipts)
            self._stop.wait(0.005)

    def _work(self, store: RedisBackend) -> None:
        reply = ExchangeReply()
        for number in itertools.count(1):
            if self._stop.is_set():
                return
            outcomes = tuple(end(claim, State.COMPLETED) for claim in reply.claims)
            call = Exchange(queue="mail", worker="w" * 32, call=number, outcomes=outcomes, want=20, keep_completed=0)
            answer = self._insist(lambda call=call: store.exchange(call))
            if answer is None:
                return
            accepted = {claim.raw for claim in reply.claims} - set(answer.refused)
            self.settled.update(accepted)
            self.done_at += [time.monotonic()] if accepted else []
            reply = answer
            if not reply.claims:
                store.wait(["mail"], 0.1)


def lose_the_master(watched: Watched, load: Load, *, comes_back: bool) -> float:
    """Kill it under load; seconds from the promotion of the other to work that goes on. comes_back: at once, for work
    that does not go on without a replica."""
    old, heir = watched.master(), watched.replica()
    old.kill()
    watched.until_promoted(heir)
    promoted = time.monotonic()
    if comes_back:
        watched.bring_back(old)
    resumed_s = load.until_done_after(promoted, PROMISE_S * ALLOWANCE)
    if not comes_back:
        watched.bring_back(old)
    watched.until_watched()
    return resumed_s


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("copies", [0, 1])
def test_work_resumes_after_the_master_was_killed_and_losses_are_counted(
    watched: Watched, open_store: Opener, copies: int
):
    url = watched.url_with(wait_replicas=copies)
    with Load(lambda: open_store(url)) as load:
        load.until_done_after(time.monotonic(), PROMISE_S)
        resumed = [lose_the_master(watched, load, comes_back=copies > 0) for _ in range(FAILOVERS)]
    lost = sum(found is None for found in open_store(watched.url).get(load.acknowledged))
    twice = sum(times > 1 for times in load.settled.values())
    print(
        f"{FAILOVERS} masters killed under load, wait_replicas={copies}: "
        f"work went on {statistics.median(resumed):.2f} s after the promotion (median); "
        f"of {len(load.acknowledged)} acknowledged jobs {lost} were lost, {twice} done twice"
    )
    assert max(resumed) < PROMISE_S * ALLOWANCE
    if copies:
        assert (lost, twice) == (0, 0)


def test_without_its_replica_nothing_is_acknowledged_where_a_copy_is_asked_for(watched: Watched, open_store: Opener):
    url = watched.url_with(wait_replicas=1)
    patient, hasty = open_store(url), open_store(url, answer_seconds=0.5)
    assert patient.enqueue([job()])[0].created
    replica = watched.replica()
    replica.kill()
    new = job()
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
        hasty.enqueue([new])
    watched.bring_back(replica)
    watched.until_watched()
    until(patient.counts, PROMISE_S)
    [receipt] = patient.enqueue([new])
    assert not receipt.created, "it was stored the first time; sent again it acts once"
    assert work(patient, want=5).claims
