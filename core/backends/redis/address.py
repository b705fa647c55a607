"""From a URL, or a client of the caller's, to connections that never repeat a command by themselves."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import BlockingConnectionPool, Connection, ConnectionPool, parse_url
from redis.exceptions import RedisError
from redis.retry import Retry

from ...errors import ConfigError

ANSWER_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 2.0
PING_SECONDS: Final = 1.0  # each for the connection and for the answer
# redis-py annotates only some of its methods: a client is checked by tests, not by types.
Driver: TypeAlias = Any

_SECRET = re.compile(r"(^|&)(password|credential_provider)=[^&]*")
# What a client's pool adds for itself; another pool makes its own.
_ITS_OWN = re.compile(r"maint_|orig_|retry|cache|himport_|event_dispatcher|connection_pool|max_connections|timeout$")


class Address:
    """Where the server is, and how to make clients of it. Nothing is connected before the first command."""

    def __init__(self, source: str | Redis, *, max_connections: int, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._max_connections = max_connections
        self._answer_s = answer_seconds
        self._lent: Redis | None = None
        if isinstance(source, str):
            self._options = _options_of_url(source)
            self.url = without_password(source)
            return
        pool = getattr(source, "connection_pool", None)
        if pool is None:
            raise ConfigError(f"{type(source).__name__} is no client of a single Redis: give a redis.Redis, or a URL")
        self._options = {"connection_class": pool.connection_class, **pool.connection_kwargs}
        self.url = _url_of(self._options)
        if type(pool) not in (ConnectionPool, BlockingConnectionPool):  # a Sentinel's, say: only it knows the way
            self._lent = _never_retrying(source)

    def client(self) -> Driver:
        """For commands: as many connections as were allowed; who finds none waits for one."""
        if self._lent is not None:
            return self._lent
        options = self._with_timeouts(self._answer_s, min(CONNECT_SECONDS, self._answer_s))
        make_pool: Any = BlockingConnectionPool
        pool = make_pool(max_connections=self._max_connections, timeout=self._answer_s, **options)
        return Redis(connection_pool=pool)

    def waiting_client(self) -> Driver:
        """For blocking calls, which must not use up the connections that commands need."""
        return self._lent or Redis(
            connection_pool=ConnectionPool(**self._with_timeouts(ANSWER_SECONDS, CONNECT_SECONDS))
        )

    def pinging_client(self) -> Driver:
        """For the question whether the server is there, which must be answered soon."""
        return self._lent or Redis(connection_pool=ConnectionPool(**self._with_timeouts(PING_SECONDS, PING_SECONDS)))

    def owns(self, client: Driver) -> bool:
        return client is not self._lent

    def _with_timeouts(self, answer_s: float, connect_s: float) -> dict[str, Any]:
        kept = {name: value for name, value in self._options.items() if not _ITS_OWN.match(name)}
        return {
            **kept,
            "socket_timeout": answer_s,
            "socket_connect_timeout": connect_s,
            "retry": Retry(NoBackoff(), 0),
            "retry_on_error": [],
            "decode_responses": False,
            "protocol": 2,
        }


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    parts = urlsplit(url)
    user, mark, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    netloc = f"{name}@{host}" if mark and name else host
    query = _SECRET.sub("", parts.query).lstrip("&")
    return f"{parts.scheme}://{netloc}{parts.path}" + (f"?{query}" if query else "")


def _options_of_url(url: str) -> dict[str, Any]:
    """Checked by making a connection, which connects to nothing yet."""
    read: Any = parse_url
    try:
        options: dict[str, Any] = {"connection_class": Connection, **read(url)}
        kept = {name: value for name, value in options.items() if not _ITS_OWN.match(name)}
        kept.pop("connection_class")(**kept)
    except (ValueError, TypeError, RedisError) as error:
        shown = without_password(url)
        raise ConfigError(f"{shown!r} is no Redis URL ({error}); one is redis://localhost:6379/0") from error
    return options


def _url_of(options: dict[str, Any]) -> str:
    if options.get("path"):
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
