"""From a URL, or a client of the caller's, to connections that never repeat a command by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import BlockingConnectionPool, ConnectionPool, UnixDomainSocketConnection
from redis.retry import Retry

from ...errors import ConfigError
from .copies import Copied
from .sentinel import Sentinels
from .where import Form, Node, Where, kept, read_url

ANSWER_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 2.0
PING_SECONDS: Final = 1.0  # each for the connection and for the answer
# redis-py annotates only some of its methods: a client is checked by tests, not by types.
Driver: TypeAlias = Any
MakeClient: TypeAlias = Callable[[Node], Driver]


class Address:
    """Where the servers are, and how to make clients of them. Nothing is connected before the first command."""

    def __init__(
        self, source: str | Redis | RedisCluster, *, max_connections: int, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.answer_s = answer_seconds
        self._max_connections = max_connections
        self._lent: Redis | None = None
        self._remap: Callable[[tuple[str, int]], tuple[str, int]] | None = None
        if isinstance(source, str):
            self._where = read_url(source)
        elif isinstance(source, RedisCluster):
            self._where, self._remap = _of_cluster_client(source), source.nodes_manager.address_remap
        else:
            self._where, self._lent = _of_client(source)
        where = self._where
        self.url = where.shown
        self.prefix = where.prefix
        self.is_cluster = where.form is Form.CLUSTER
        self._sentinels = (
            Sentinels(where.nodes, where.service, where.sentinel_options) if where.form is Form.SENTINEL else None
        )

    # One server

    def client(self) -> Driver:
        """For commands: as many connections as were allowed; who finds none waits for one."""
        return self._lent or self._copied(Redis(connection_pool=self._blocking_pool(**self._to_the_server())))

    def waiting_client(self) -> Driver:
        """For blocking calls, which must not use up the connections that commands need."""
        options = self._to_the_server() | _timeouts(ANSWER_SECONDS, CONNECT_SECONDS)
        return self._lent or Redis(connection_pool=ConnectionPool(**options))

    def pinging_client(self) -> Driver:
        """For the question whether the server is there, which must be answered soon."""
        options = self._to_the_server() | _timeouts(PING_SECONDS, PING_SECONDS)
        return self._lent or Redis(connection_pool=ConnectionPool(**options))

    def owns(self, client: Driver) -> bool:
        return client is not self._lent

    def close(self) -> None:
        """Leave the sentinels; who asks them again connects anew."""
        if self._sentinels is not None:
            self._sentinels.close()

    # A cluster

    @property
    def can_be_of_a_cluster(self) -> bool:
        """Whether what is known of one server is enough to find the others of its cluster."""
        return self._lent is None and self._sentinels is None

    def seeds(self) -> tuple[Node, ...]:
        """Servers to ask first where the slots are."""
        if self._where.nodes:
            return self._where.nodes
        options = self._where.options
        if options.get("path"):
            raise ConfigError(
                f"{self.url} leads to a server of a cluster, whose others are not to be found through a socket's path: "
                "give redis+cluster://host:port"
            )
        return (Node(options.get("host", "localhost"), options.get("port", 6379)),)

    def client_of(self, node: Node) -> Driver:
        """For commands to one server of a cluster."""
        return self._copied(Redis(connection_pool=self._blocking_pool(**self._to(node))))

    def quick_client_of(self, node: Node) -> Driver:
        """For questions that must be answered soon; takes no connection from commands."""
        return Redis(connection_pool=ConnectionPool(**self._to(node) | _timeouts(PING_SECONDS, PING_SECONDS)))

    # Steps

    def _blocking_pool(self, **options: Any) -> Any:
        make_pool: Any = BlockingConnectionPool
        timeouts = _timeouts(self.answer_s, min(CONNECT_SECONDS, self.answer_s))
        return make_pool(**options | timeouts, max_connections=self._max_connections, timeout=self.answer_s)

    def _to_the_server(self) -> dict[str, Any]:
        options = kept(self._where.options)
        if self._sentinels is not None:
            options |= self._sentinels.options_of_connections(options["connection_class"])
        return options | _PLAIN

    def _to(self, node: Node) -> dict[str, Any]:
        is_told_by_a_server = node not in self._where.nodes
        host, port = self._remap((node.host, node.port)) if self._remap and is_told_by_a_server else node
        return kept(self._where.options) | {"host": host, "port": port, "db": 0} | _PLAIN

    def _copied(self, client: Driver) -> Driver:
        """The server's own wait ends before ours for its answer does."""
        replicas = self._where.replicas
        return Copied(client, replicas=replicas, seconds=self.answer_s / 2) if replicas else client


_PLAIN: Final = {"decode_responses": False, "protocol": 2}


def _timeouts(answer_s: float, connect_s: float) -> dict[str, Any]:
    return {
        "socket_timeout": answer_s,
        "socket_connect_timeout": connect_s,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
    }


def _of_client(client: Redis) -> tuple[Where, Redis | None]:
    """Where a client of the caller's leads, and itself when its pool alone knows the way (a Sentinel's, say)."""
    pool = getattr(client, "connection_pool", None)
    if pool is None:
        raise ConfigError(
            f"{type(client).__name__} is no client of Redis: give a redis.Redis or a redis.RedisCluster, or a URL"
        )
    options = {"connection_class": pool.connection_class, **pool.connection_kwargs}
    lent = None if type(pool) in (ConnectionPool, BlockingConnectionPool) else _never_retrying(client)
    return Where(_url_of(options), Form.ONE, options), lent


def _of_cluster_client(client: RedisCluster) -> Where:
    """Its servers, login and certificates; the commands themselves take our own way, which repeats none that ran."""
    found: Driver = client
    nodes = tuple(Node(node.host, node.port) for node in found.get_primaries() or found.get_nodes())
    pool = found.get_redis_connection(found.get_random_node()).connection_pool
    options = {"connection_class": pool.connection_class, **pool.connection_kwargs}
    for name in ("host", "port", "redis_connect_func"):
        options.pop(name, None)
    greet = found.user_on_connect_func
    if greet is not None:

        def greet_after_the_login(connection: Driver) -> None:
            connection.on_connect()
            greet(connection)

        options["redis_connect_func"] = greet_after_the_login
    scheme = "rediss" if "SSL" in options["connection_class"].__name__ else "redis"
    return Where(f"{scheme}+cluster://{','.join(map(str, nodes))}", Form.CLUSTER, options, nodes)


def _url_of(options: dict[str, Any]) -> str:
    if issubclass(options["connection_class"], UnixDomainSocketConnection):
        return f"unix://{options['path']}?db={options.get('db', 0)}"
    scheme = "rediss" if "SSL" in options["connection_class"].__name__ else "redis"
    return f"{scheme}://{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"


def _never_retrying(client: Redis) -> Redis:
    """A client that is used as it is must not repeat what may have been done."""
    retry = client.get_retry()
    if retry is not None and retry.get_retries() != 0:
        raise ConfigError(
            "this Redis client repeats commands by itself, which would claim jobs twice: "
            "make it with retry=Retry(NoBackoff(), 0)"
        )
    if client.get_connection_kwargs().get("decode_responses"):
        raise ConfigError("this Redis client decodes replies to text: make it without decode_responses")
    return client
