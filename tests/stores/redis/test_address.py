"""The forms of a Redis URL: what is understood, what is shown of it, and what is refused in which words."""

import pytest
from redis.connection import Connection, SSLConnection

from core.backends.opener import wing_of
from core.backends.redis.address import Address
from core.backends.redis.backend import RedisBackend
from core.backends.redis.where import Form, Node, read_url
from core.errors import ConfigError


@pytest.mark.parametrize("scheme", ["redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"])
def test_the_opener_knows_every_form(scheme: str):
    assert wing_of(f"{scheme}://host") == "redis"


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis+cluster://one", [("one", 6379)]),
        ("redis+cluster://one:7000,two:7001/", [("one", 7000), ("two", 7001)]),
        ("redis+cluster://user:secret@one:7000,two/0", [("one", 7000), ("two", 6379)]),
        ("redis+cluster://[::1]:7000,[2001:db8::1]", [("::1", 7000), ("2001:db8::1", 6379)]),
    ],
)
def test_servers_of_a_cluster_are_read(url: str, nodes: list[tuple[str, int]]):
    where = read_url(url)
    assert where.form is Form.CLUSTER
    assert [tuple(node) for node in where.nodes] == nodes


def test_a_login_and_options_of_a_cluster_are_for_every_server():
    where = read_url("rediss+cluster://user:se%40cret@one,two?ssl_cert_reqs=none&prefix=billing")
    assert (where.options["username"], where.options["password"]) == ("user", "se@cret")
    assert where.options["connection_class"] is SSLConnection
    assert where.options["ssl_cert_reqs"] == "none"
    assert where.prefix == "billing"
    made = Address("rediss+cluster://user:secret@one,two", max_connections=2).client_of(Node("two", 6379))
    assert made.connection_pool.connection_kwargs["host"] == "two"
    assert made.connection_pool.connection_kwargs["password"] == "secret"
    assert made.get_retry().get_retries() == 0


def test_sentinels_a_service_and_a_database_are_read():
    where = read_url(
        "redis+sentinel://user:secret@one:26380,two/jobs/3?sentinel_username=watch&sentinel_password=other"
    )
    assert where.form is Form.SENTINEL
    assert [tuple(node) for node in where.nodes] == [("one", 26380), ("two", 26379)]
    assert (where.service, where.options["db"]) == ("jobs", 3)
    assert (where.options["username"], where.options["password"]) == ("user", "secret")
    assert where.sentinel_options == {"username": "watch", "password": "other"}
    assert where.options["connection_class"] is Connection


def test_encryption_is_for_sentinels_too():
    where = read_url("rediss+sentinel://one/jobs?ssl_ca_certs=/ca.pem")
    assert where.options["connection_class"] is SSLConnection
    assert where.sentinel_options == {"ssl": True, "ssl_ca_certs": "/ca.pem"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis+cluster://user:secret@one,two:1/", "redis+cluster://user@one,two:1/"),
        ("redis+sentinel://:secret@one/jobs/0?sentinel_password=other", "redis+sentinel://one/jobs/0"),
        (
            "redis+sentinel://one/jobs?sentinel_password=other&prefix=a",
            "redis+sentinel://one/jobs?prefix=a",
        ),
    ],
)
def test_no_password_is_shown(url: str, shown: str):
    assert RedisBackend(url).url == shown


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+cluster://", "no host:port"),
        ("redis+cluster://one,,two", "no host:port"),
        ("redis+cluster://one:port", "no host:port"),
        ("redis+cluster://one:99999", "no host:port"),
        ("redis+cluster://one:7000/3", r"no database but 0.*\?prefix=name"),
        ("redis+cluster://one?colour=red", "redis\\+cluster://:password@host1:6379"),
        ("redis+cluster://one?wait_replicas=many", "no number of replicas"),
        ("redis+sentinel://one", "does not name the service"),
        ("redis+sentinel://one/jobs/first", "no number of a database"),
        ("redis+sentinel:///jobs", "no host:port"),
        ("redis://one?sentinel_password=secret", "redis://localhost:6379/0"),
        ("redis+ring://one", "redis://localhost:6379/0"),
        ("redis://one/0?wait_replicas=-1", "no number of replicas"),
    ],
)
def test_a_wrong_url_is_refused_in_a_sentence_without_its_password(url: str, words: str):
    with pytest.raises(ConfigError, match=words) as refused:
        RedisBackend(url)
    assert "secret" not in str(refused.value)


def test_a_prefix_of_the_url_comes_first(raw_client, redis_server: str):
    store = RedisBackend(f"{redis_server}?prefix=billing", prefix="jobs")
    store.open()
    store.close()
    assert raw_client.exists("{billing}:store")


def test_a_prefix_of_the_url_is_checked_like_any_other():
    with pytest.raises(ConfigError, match="braces"):
        RedisBackend("redis://localhost?prefix=a{b}")
