"""A cluster of three masters: queues on each of them, servers that go and come back, and who may be asked the way."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import redis
from redis.cluster import ClusterNode

from core.app import Jobs
from core.backends.contract import PageQuery
from core.backends.opener import open_backend
from core.backends.redis.backend import RedisBackend
from core.errors import ConfigError, StoreError, StoreFormatError, StoreUnavailable
from core.model.states import State
from core.model.worker import WorkerInfo
from core.tasks.registry import Registry
from tests.redis_cluster import RedisCluster, number_of
from tests.redis_proxy import forwarded
from tests.servers import RedisServer

from .conftest import WORKER, Opener, end, job, walk_all_verbs, work

QUEUES = ("mail", "bills", "a")  # of servers 0, 1 and 2
SOON_S = 5.0
RETURN_ALLOWANCE_S = 25.0  # five times what a server takes to be trusted again


@pytest.fixture
def cluster(redis_cluster: RedisCluster) -> RedisCluster:
    """Shared and empty; not to be hurt."""
    redis_cluster.clear()
    return redis_cluster


@pytest.fixture
def own_cluster() -> Iterator[RedisCluster]:
    """Of this test's own, to be hurt."""
    with RedisCluster() as started:
        yield started


def until(act: Callable[[], object], seconds: float) -> float:
    """Repeat what raises StoreUnavailable until it does not; answers how long that took."""
    began = time.monotonic()
    while True:
        try:
            act()
        except StoreUnavailable:
            assert time.monotonic() - began < seconds
            time.sleep(0.02)
        else:
            return time.monotonic() - began


def keys_by_server(cluster: RedisCluster) -> list[set[str]]:
    found = []
    for number in range(len(cluster.servers)):
        with cluster.client(number) as client:
            found.append({key.decode() for key in client.scan_iter("*")})
    return found


# Queues on several servers


def test_the_queues_of_these_tests_live_on_three_servers():
    assert [number_of(queue) for queue in QUEUES] == [0, 1, 2]


def test_every_verb_works_in_both_forms_of_the_scripts(form: str, open_store: Opener, cluster: RedisCluster):
    walk_all_verbs(open_store(cluster.url))


def test_every_server_gets_a_part(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    store.enqueue([job(queue) for queue in QUEUES])
    for queue, keys in zip(QUEUES, keys_by_server(cluster), strict=True):
        assert f"jobs:{{{queue}}}:ready" in keys


def test_calls_over_queues_reach_all_of_them(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    jobs = [job(queue) for queue in QUEUES for _ in range(250)]
    assert all(receipt.created for receipt in store.enqueue(jobs))
    assert {counts.queue: counts.states[State.PENDING] for counts in store.counts()} == dict.fromkeys(QUEUES, 250)
    assert [found.ref for found in store.get([job.ref for job in jobs]) if found] == [job.ref for job in jobs]
    page = store.page(PageQuery(state=State.PENDING, limit=600))
    rest = store.page(PageQuery(state=State.PENDING, limit=600, after=page.next))
    assert {found.ref for found in [*page.jobs, *rest.jobs]} == {job.ref for job in jobs}
    for queue in QUEUES:
        store.put_schedule(queue, f"nightly-{queue}", b"spec", enabled=True)
    assert {entry.queue for entry in store.schedules()} == set(QUEUES)
    store.beat(WorkerInfo(id=WORKER))
    assert [worker.id for worker in store.workers()] == [WORKER]


def test_a_follow_up_for_a_queue_of_another_server_arrives(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    store.enqueue([job("mail")])
    [claim] = work(store, want=1).claims
    follow_up = job("bills")
    work(store, end(claim, State.COMPLETED, then=(follow_up,)))
    assert store.get([follow_up.ref])[0] is not None


def test_flushed_scripts_are_sent_again(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    for number in range(3):
        with cluster.client(number) as client:
            client.script_flush()
    assert store.enqueue([job(queue) for queue in QUEUES])[0].created
    for number in range(3):
        with cluster.client(number) as client:
            client.script_flush()
    assert len(work(store, want=1, queue="a").claims) == 1


def test_killed_connections_cost_at_most_an_error_each(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    store.enqueue([job(queue) for queue in QUEUES])
    for number in range(3):
        with cluster.client(number) as client:
            client.client_kill_filter(_type="normal", skipme=True)
    assert until(lambda: store.enqueue([job(queue) for queue in QUEUES]), SOON_S) < SOON_S


# Ways in


def test_a_plain_url_of_one_server_finds_the_others(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.servers[1].url)
    assert all(receipt.created for receipt in store.enqueue([job(queue) for queue in QUEUES]))
    assert len(store.counts()) == 3


def test_a_plain_store_that_was_never_opened_finds_the_others(cluster: RedisCluster):
    for first in (lambda store: store.enqueue([job(queue) for queue in QUEUES]), lambda store: store.counts()):
        for server in cluster.servers:
            store = RedisBackend(server.url)
            first(store)
            store.enqueue([job(queue) for queue in QUEUES])
            assert {counts.queue for counts in store.counts()} == set(QUEUES)
            store.close()


def test_one_server_of_the_url_is_enough(open_store: Opener, cluster: RedisCluster):
    store = open_store(f"redis+cluster://127.0.0.1:1,127.0.0.1:{cluster.servers[2].port}")
    assert store.enqueue([job(queue) for queue in QUEUES])[0].created


def test_a_cluster_form_for_a_lone_server_is_told_so():
    with RedisServer() as server:
        backend = RedisBackend(server.url.replace("redis://", "redis+cluster://").removesuffix("/0"))
        with pytest.raises(ConfigError, match="redis://host:port"):
            backend.open()
        backend.close()


def test_a_numbered_database_of_a_cluster_is_refused_in_a_sentence(cluster: RedisCluster):
    with pytest.raises(ConfigError, match=r"no database but 0.*\?prefix="):
        RedisBackend(f"{cluster.servers[0].url.removesuffix('/0')}/1").open()


def test_a_socket_to_a_server_of_a_cluster_is_refused_in_a_sentence(tmp_path):
    path = f"{tmp_path}/redis.sock"
    with RedisCluster(size=1, unixsocket=path):
        backend = RedisBackend(f"unix://{path}")
        with pytest.raises(ConfigError, match=r"redis\+cluster://host:port"):
            backend.open()
        backend.close()


def test_two_prefixes_are_two_stores(open_store: Opener, cluster: RedisCluster):
    one, two = open_store(f"{cluster.url}?prefix=one"), open_store(f"{cluster.url}?prefix=two")
    one.enqueue([job()])
    assert two.counts() == []
    assert one.store_id != two.store_id


def test_passwords_go_to_every_server():
    with RedisCluster(requirepass="right", masterauth="right") as cluster:
        servers = cluster.url.partition("://")[2]
        store = RedisBackend(f"redis+cluster://:right@{servers}")
        store.open()
        assert store.enqueue([job(queue) for queue in QUEUES])[0].created
        assert "right" not in store.url
        store.close()
        wrong = RedisBackend(f"redis+cluster://:wrong@{servers}")
        with pytest.raises(StoreError, match="password"):
            wrong.open()
        wrong.close()


def test_a_server_of_a_cluster_that_evicts_is_refused(own_cluster: RedisCluster):
    with own_cluster.client(2) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    backend = RedisBackend(own_cluster.url)
    with pytest.raises(ConfigError, match="noeviction"):
        backend.open()
    backend.close()


def test_a_newer_format_is_refused(cluster: RedisCluster, open_store: Opener):
    open_store(cluster.url)
    with redis.RedisCluster(host="127.0.0.1", port=cluster.servers[0].port) as client:
        client.hset("{jobs}:store", "format", 1_000)
    with pytest.raises(StoreFormatError):
        open_backend(cluster.url)


# Clients of the caller's


def test_a_cluster_client_of_the_callers_lends_its_addresses(cluster: RedisCluster):
    with redis.RedisCluster(host="127.0.0.1", port=cluster.servers[0].port, decode_responses=True) as client:
        jobs = Jobs(backend=RedisBackend(client))
        try:
            assert all(receipt.created for receipt in jobs.backend.enqueue([job(queue) for queue in QUEUES]))
            assert len(jobs.backend.counts()) == 3
        finally:
            jobs.stop()
        assert client.ping()


def test_what_a_cluster_client_remaps_and_greets_with_is_kept(cluster: RedisCluster, open_store: Opener):
    """Its servers are known by their outer addresses; what a server tells is an inner one."""
    greeted: list[object] = []
    asked: list[tuple[str, int]] = []

    def remap(address: tuple[str, int]) -> tuple[str, int]:
        asked.append(address)
        return "127.0.0.2", address[1]

    with ExitStack() as stack:
        for server in cluster.servers:
            stack.enter_context(forwarded("127.0.0.2", server.port))
        client = stack.enter_context(
            redis.RedisCluster(
                startup_nodes=[ClusterNode("127.0.0.2", cluster.servers[0].port)],
                address_remap=remap,
                redis_connect_func=greeted.append,
            )
        )
        store = open_store(client)
        assert "127.0.0.1" not in store.url
        greeted.clear()
        asked.clear()
        other = open_store(client)
        other.enqueue([job(queue) for queue in QUEUES])
        assert greeted
        assert {host for host, _ in asked} == {"127.0.0.1"}
        store.close()
        other.close()


# Servers that go


def test_a_dead_server_takes_only_its_own_queues_along(own_cluster: RedisCluster, open_store: Opener):
    store = open_store(own_cluster.url)
    store.enqueue([job(queue) for queue in QUEUES])
    own_cluster.server_of("bills").kill()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        work(store, want=1, queue="bills")
    assert time.monotonic() - began < SOON_S
    for queue in ("mail", "a"):
        [claim] = work(store, want=1, queue=queue).claims
        assert work(store, end(claim, State.COMPLETED), queue=queue).refused == []
        assert store.enqueue([job(queue)])[0].created
    with pytest.raises(StoreUnavailable):
        store.counts()
    with pytest.raises(StoreUnavailable):
        store.ping()


def test_workers_of_other_queues_go_on_beside_a_dead_server(own_cluster: RedisCluster):
    """Even beside the one that has the register of workers and the list of queues."""
    dead = number_of("jobs")
    queue = next(queue for queue in QUEUES if number_of(queue) != dead)
    jobs = Jobs(own_cluster.url, registry=Registry())
    jobs.register("double", lambda n: 2 * n, queue=queue)
    try:
        with jobs.running(queues=[queue]):
            assert jobs.result(jobs.enqueue("double", n=1).id, timeout=20) == 2
            own_cluster.servers[dead].kill()
            made = [jobs.enqueue("double", n=n) for n in range(20)]
            assert [jobs.result(job.id, timeout=20) for job in made] == [2 * n for n in range(20)]
            own_cluster.servers[dead].start()
            until(jobs.backend.ping, RETURN_ALLOWANCE_S)
    finally:
        jobs.close()


def test_a_server_that_comes_back_is_used_again(own_cluster: RedisCluster, open_store: Opener):
    store = open_store(own_cluster.url)
    store.enqueue([job(queue) for queue in QUEUES])
    server = own_cluster.server_of("bills")
    server.kill()
    with pytest.raises(StoreUnavailable):
        store.enqueue([job("bills")])
    server.start()
    took_s = until(lambda: store.enqueue([job("bills")]), RETURN_ALLOWANCE_S)
    print(f"a restarted server of a cluster takes jobs again after {took_s:.1f} s")
    assert work(store, want=1, queue="mail").claims
    store.ping()


def test_a_server_that_lost_its_scripts_works_while_that_of_the_store_is_away(
    own_cluster: RedisCluster, open_store: Opener
):
    store = open_store(own_cluster.url)
    home = number_of("jobs")
    queue = next(queue for queue in QUEUES if number_of(queue) != home)
    store.enqueue([job(queue)])
    own_cluster.servers[home].kill()
    with own_cluster.client(number_of(queue)) as client:
        client.script_flush()
    assert len(work(store, want=1, queue=queue).claims) == 1


def test_a_silent_server_costs_a_call_its_time_and_the_others_nothing(own_cluster: RedisCluster, open_store: Opener):
    store = open_store(own_cluster.url, answer_seconds=0.5)
    store.enqueue([job(queue) for queue in QUEUES])
    process = own_cluster.server_of("bills").process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            work(store, want=1, queue="bills")
        with pytest.raises(StoreUnavailable):
            store.ping()
        assert work(store, want=1, queue="mail").claims
        assert time.monotonic() - began < SOON_S
    finally:
        os.kill(process.pid, signal.SIGCONT)
    until(store.ping, RETURN_ALLOWANCE_S)


def test_a_cluster_that_is_down_is_waited_for_and_then_unavailable(open_store: Opener):
    with RedisCluster(cluster_require_full_coverage="yes") as cluster:
        store, hasty = open_store(cluster.url), open_store(cluster.url, answer_seconds=0.1)
        store.enqueue([job(queue) for queue in QUEUES])
        cluster.server_of("bills").kill()
        until_down(cluster)
        with pytest.raises(StoreUnavailable, match="no server for it now"):
            hasty.enqueue([job("mail")])
        back = threading.Timer(0.5, cluster.server_of("bills").start)
        back.start()
        assert store.enqueue([job("mail")])[0].created, "a call waits for the cluster to be whole again"
        back.join()


def until_down(cluster: RedisCluster) -> None:
    deadline = time.monotonic() + RETURN_ALLOWANCE_S
    with cluster.client(number_of("mail")) as client:
        while b"cluster_state:fail" not in client.execute_command("CLUSTER", "INFO"):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_closing_ends_the_wait_for_a_cluster_that_is_down(open_store: Opener):
    with RedisCluster(cluster_require_full_coverage="yes") as cluster:
        store = open_store(cluster.url)
        cluster.server_of("bills").kill()
        until_down(cluster)
        told: list[Exception] = []

        def enqueue() -> None:
            try:
                store.enqueue([job("mail")])
            except StoreUnavailable as error:
                told.append(error)

        caller = threading.Thread(target=enqueue)
        caller.start()
        time.sleep(0.2)
        store.close()
        caller.join(SOON_S)
        assert len(told) == 1


# Sleeping


def test_work_on_any_server_wakes_a_sleeper(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    for queue in QUEUES:
        sleeper = threading.Thread(target=store.wait, args=([*QUEUES, "nobody"], 30.0))
        sleeper.start()
        store.enqueue([job(queue)])
        sleeper.join(SOON_S)
        assert not sleeper.is_alive()


def test_one_sleeper_is_woken_for_a_marker(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    store.enqueue([job("mail")])
    began = time.monotonic()
    store.wait(QUEUES, 30.0)
    assert time.monotonic() - began < SOON_S
    store.wait(QUEUES, 0.2)
    assert time.monotonic() - began >= 0.2, "the marker was taken"


def test_closing_wakes_sleepers_of_a_cluster(open_store: Opener, cluster: RedisCluster):
    store = open_store(cluster.url)
    sleepers = [threading.Thread(target=store.wait, args=(queues, 30.0)) for queues in (QUEUES, ["mail"], [])]
    for sleeper in sleepers:
        sleeper.start()
    store.close()
    for sleeper in sleepers:
        sleeper.join(SOON_S)
        assert not sleeper.is_alive()


def test_a_dead_server_does_not_keep_sleepers_from_the_work_of_the_others(
    own_cluster: RedisCluster, open_store: Opener
):
    store = open_store(own_cluster.url)
    own_cluster.server_of("bills").kill()
    sleeper = threading.Thread(target=store.wait, args=(QUEUES, 30.0))
    sleeper.start()
    store.enqueue([job("mail")])
    sleeper.join(SOON_S)
    assert not sleeper.is_alive()
