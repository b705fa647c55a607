"""What opening a store looks at, what it refuses, and which clients it takes."""

import logging

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from core.backends.contract import FORMAT
from core.backends.opener import open_backend
from core.backends.redis.address import Address
from core.backends.redis.backend import RedisBackend
from core.backends.redis.link import check_eviction
from core.backends.redis.where import without_password
from core.errors import ConfigError, StoreFormatError, StoreUnavailable
from tests.servers import RedisServer

from .conftest import Opener, job


def test_making_a_store_connects_to_nothing():
    RedisBackend("redis://127.0.0.1:1/0").close()


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random"])
def test_a_server_that_evicts_is_refused(policy: str):
    with RedisServer(maxmemory="100mb", maxmemory_policy=policy) as server:
        backend = RedisBackend(server.url)
        with pytest.raises(ConfigError, match=f"{policy}.*noeviction"):
            backend.open()
        backend.close()


def test_a_server_that_evicts_only_what_expires_is_accepted(open_store: Opener):
    """Hosted servers have it by default; no key that holds jobs ever expires."""
    with RedisServer(maxmemory="100mb", maxmemory_policy="volatile-lru") as server:
        store = open_store(server.url)
        store.enqueue([job()])
        client = redis.Redis.from_url(server.url)
        assert {client.ttl(key) for key in client.scan_iter("*")} == {-1}
        client.close()
        store.close()


def test_a_server_that_hides_its_policy_is_warned_about(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        check_eviction(None, "redis://there/0")
    assert "noeviction" in caplog.text


def test_a_newer_format_is_refused_in_a_sentence(store: RedisBackend, raw_client: redis.Redis, redis_server: str):
    raw_client.hset("{jobs}:store", "format", FORMAT + 1)
    with pytest.raises(StoreFormatError, match=f"has format {FORMAT + 1}, this program knows {FORMAT}: upgrade"):
        open_backend(redis_server)


def test_the_store_keeps_its_id(store: RedisBackend, open_store: Opener, redis_server: str):
    assert store.store_id
    assert open_store(redis_server).store_id == store.store_id


def test_another_prefix_is_another_store(store: RedisBackend, open_store: Opener, redis_server: str):
    other = open_store(redis_server, prefix="billing")
    store.enqueue([job()])
    assert other.counts() == []
    assert other.store_id != store.store_id


def test_the_opener_hands_over_its_redis_options(raw_client: redis.Redis, redis_server: str):
    backend = open_backend(redis_server, redis_max_connections=3, redis_prefix="billing", sqlite_synchronous="OFF")
    backend.enqueue([job()])
    assert raw_client.exists("billing:{mail}:ready")
    backend.close()


def test_a_store_may_be_opened_again(store: RedisBackend):
    store.close()
    store.open()
    assert store.enqueue([job()])[0].created


def test_a_client_of_the_callers_lends_its_address(raw_client: redis.Redis, open_store: Opener, redis_server: str):
    client = redis.Redis.from_url(redis_server, decode_responses=True, protocol=3)
    store = open_store(client)
    assert store.enqueue([job()])[0].created
    assert store.url == redis_server
    store.close()
    assert client.ping()
    client.close()


def test_commands_are_never_repeated_by_the_driver(redis_server: str):
    with redis.Redis.from_url(redis_server) as lender:
        for source in (redis_server, lender):
            client = Address(source, max_connections=2).client()
            assert client.get_retry().get_retries() == 0


def test_a_sentinels_client_is_used_as_it_is_if_it_never_repeats():
    sentinel = Sentinel([("127.0.0.1", 1)], retry=Retry(NoBackoff(), 0))
    client = sentinel.master_for("jobs", retry=Retry(NoBackoff(), 0))
    assert Address(client, max_connections=2).client() is client
    backend = RedisBackend(client)
    with pytest.raises(StoreUnavailable):
        backend.open()
    backend.close()


def test_a_sentinels_client_that_repeats_is_refused():
    client = Sentinel([("127.0.0.1", 1)]).master_for("jobs", retry=Retry(NoBackoff(), 3))
    with pytest.raises(ConfigError, match="repeats commands"):
        RedisBackend(client)


def test_a_sentinels_client_that_decodes_is_refused():
    client = Sentinel([("127.0.0.1", 1)]).master_for("jobs", retry=Retry(NoBackoff(), 0), decode_responses=True)
    with pytest.raises(ConfigError, match="decodes"):
        RedisBackend(client)


def test_what_is_no_client_is_refused():
    with pytest.raises(ConfigError, match=r"redis\.RedisCluster, or a URL"):
        RedisBackend(object())


@pytest.mark.parametrize("prefix", ["", "a{b}"])
def test_a_prefix_that_would_move_keys_to_other_slots_is_refused(prefix: str):
    with pytest.raises(ConfigError, match="braces"):
        RedisBackend("redis://localhost", prefix=prefix)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:secret@host/1", "redis://host/1"),
        ("rediss://user:secret@host:1/1", "rediss://user@host:1/1"),
        ("redis://host/0?password=secret&socket_timeout=3", "redis://host/0?socket_timeout=3"),
        ("unix://:secret@/run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str):
    assert without_password(url) == shown
    assert RedisBackend(url).url == shown


@pytest.mark.parametrize(
    "url", ["http://host/0", "redis://host:port/0", "redis://host/0?socket_timeout=soon", "redis://host/0?colour=red"]
)
def test_a_wrong_url_is_refused_without_its_password(url: str):
    with pytest.raises(ConfigError, match="redis://localhost:6379/0"):
        RedisBackend(url)


def test_a_unix_socket_serves_as_well(tmp_path, open_store: Opener):
    path = f"{tmp_path}/redis.sock"
    with RedisServer(unixsocket=path):
        store = open_store(f"unix://{path}?db=1")
        assert store.enqueue([job()])[0].created
        store.wait(["mail"], 1)
