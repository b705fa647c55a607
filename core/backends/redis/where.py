"""What a URL says of a Redis: which servers, in which form they stand together, and how to log in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from redis.connection import Connection, parse_url
from redis.exceptions import RedisError

from ...errors import ConfigError

_SECRET = re.compile(r"(^|&)(password|sentinel_password|credential_provider)=[^&]*")
# What a client's pool adds for itself; another pool makes its own.
_ITS_OWN = re.compile(r"maint_|orig_|retry|cache|himport_|event_dispatcher|connection_pool|max_connections|timeout$")
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:\[\]/@]+))(?::(?P<port>\d{1,5}))?")


class Form(Enum):
    """How the servers of an address stand together."""

    ONE = "one"  # the one that is named, which may turn out to be one of a cluster
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


class Node(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Where:
    """shown: for people, without passwords. options: of each connection. nodes: of the cluster, some of them at least;
    or the sentinels. service: what the sentinels call the servers. prefix: "" where none is said. replicas: how many
    must have what a call wrote before it counts."""

    shown: str
    form: Form
    options: Mapping[str, Any]
    nodes: tuple[Node, ...] = ()
    service: str = ""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    replicas: int = 0


_EXAMPLES: Final = {
    Form.ONE: "redis://localhost:6379/0",
    Form.CLUSTER: "redis+cluster://:password@host1:6379,host2:6379",
    Form.SENTINEL: "redis+sentinel://:password@host1:26379,host2:26379/service/0",
}
_MOST_REPLICAS: Final = 10
_LAST_PORT: Final = 65_535
_PORTS: Final = {Form.ONE: 6379, Form.CLUSTER: 6379, Form.SENTINEL: 26379}
_FOR_SENTINELS: Final = {"sentinel_username": "username", "sentinel_password": "password"}


def read_url(url: str) -> Where:
    """Raises ConfigError for what is no address of a Redis."""
    parts = urlsplit(url)
    form = _form_of(parts.scheme)
    own, query = _taken_out(
        parts.query, {"prefix", "wait_replicas", *(_FOR_SENTINELS if form is Form.SENTINEL else ())}
    )
    try:
        if form is Form.ONE:
            options = _options(f"{url.partition('?')[0]}?{query}")
            return Where(without_password(url), form, options, prefix=own.get("prefix", ""), replicas=_replicas(own))
        return _of_several(url, parts._replace(query=query), form, own)
    except (ValueError, TypeError, RedisError) as error:
        shown = without_password(url)
        raise ConfigError(f"{shown!r} is no Redis URL ({error}); one is {_EXAMPLES[form]}") from error


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    parts = urlsplit(url)
    user, mark, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    netloc = f"{name}@{host}" if mark and name else host
    query = _SECRET.sub("", parts.query).lstrip("&")
    return f"{parts.scheme}://{netloc}{parts.path}" + (f"?{query}" if query else "")


def kept(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a connection without what belongs to the pool that they come from."""
    return {name: value for name, value in options.items() if not _ITS_OWN.match(name)}


def _of_several(url: str, parts: SplitResult, form: Form, own: Mapping[str, str]) -> Where:
    login, mark, hosts = parts.netloc.rpartition("@")
    nodes = tuple(_node(host, _PORTS[form]) for host in hosts.split(","))
    service, database = _service(parts.path) if form is Form.SENTINEL else ("", _no_database(parts.path))
    scheme = parts.scheme.partition("+")[0]
    options = _options(f"{scheme}://{login}{mark}{nodes[0]}/{database}?{parts.query}")
    for name in ("host", "port"):
        options.pop(name, None)
    login_of_sentinels = {_FOR_SENTINELS[name]: value for name, value in own.items() if name in _FOR_SENTINELS}
    return Where(
        without_password(url),
        form,
        options,
        nodes,
        service,
        _options_of_sentinels(options) | login_of_sentinels,
        own.get("prefix", ""),
        _replicas(own),
    )


def _form_of(scheme: str) -> Form:
    _, plus, form = scheme.partition("+")
    return Form(form) if plus and form in {each.value for each in Form} else Form.ONE


def _taken_out(query: str, names: set[str]) -> tuple[dict[str, str], str]:
    """Options that are ours, and a query without them."""
    pairs = parse_qsl(query, keep_blank_values=True)
    own = {name: value for name, value in pairs if name in names}
    return own, urlencode([pair for pair in pairs if pair[0] not in own]) if own else query


def _node(text: str, port: int) -> Node:
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or port) > _LAST_PORT:
        raise ValueError(f"{text!r} is no host:port")
    return Node(found["six"] or found["name"], int(found["port"] or port))


def _service(path: str) -> tuple[str, int]:
    service, _, database = path.strip("/").partition("/")
    if not service:
        raise ValueError("it does not name the service that the sentinels watch")
    if database and not database.isdecimal():
        raise ValueError(f"{database!r} is no number of a database")
    return service, int(database or 0)


def _replicas(own: Mapping[str, str]) -> int:
    told = own.get("wait_replicas", "0")
    if not told.isdecimal() or int(told) > _MOST_REPLICAS:
        raise ValueError(f"wait_replicas={told!r} is no number of replicas up to {_MOST_REPLICAS}")
    return int(told)


def _no_database(path: str) -> int:
    if path.strip("/") not in ("", "0"):
        raise ValueError("a cluster has no database but 0: tell several stores in it apart by ?prefix=name")
    return 0


def _options(url: str) -> dict[str, Any]:
    """Of a connection; checked by making one, which connects to nothing yet."""
    read: Any = parse_url
    options: dict[str, Any] = {"connection_class": Connection, **read(url)}
    checked = kept(options)
    checked.pop("connection_class")(**checked)
    return options


def _options_of_sentinels(options: Mapping[str, Any]) -> dict[str, Any]:
    """They are reached in the same way as the servers, with a login of their own."""
    found = {name: value for name, value in options.items() if name.startswith(("ssl_", "socket_keepalive"))}
    return found | ({"ssl": True} if "SSL" in options["connection_class"].__name__ else {})
