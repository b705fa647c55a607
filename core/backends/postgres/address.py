"""From a URL to what the driver connects with, and what of it may be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ...errors import ConfigError

SCHEMA_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
ANSWER_SECONDS: Final = 30.0
_OWN_OPTIONS: Final = frozenset({"schema", "pool_size", "listen", "prepare", "answer_seconds"})
_NO: Final = frozenset({"no", "off", "0", "false"})

# A peer that vanished is noticed within seconds: at rest, not after the two hours of the kernel's own settings; with a
# call under way (tcp_user_timeout), not after its quarter of an hour.
_PATIENCE: Final = {
    "application_name": "jobs",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is: conninfo for the driver (with the password), url for people (without it)."""

    conninfo: str
    url: str
    schema: str
    pool_size: int
    listens: bool
    prepares: bool  # statements, where the server's own connections are met
    answer_s: float  # for a statement


def read(url: str, *, schema: str, pool_size: int, answer_s: float = ANSWER_SECONDS) -> Address:
    """`postgres://user:password@host:5432/database?schema=jobs&pool_size=10&listen=no&answer_seconds=30`; the rest is
    libpq's. What cannot listen has a pooler before it, which cannot keep prepared statements either."""
    parts = urlsplit(url)
    told = dict(parse_qsl(parts.query))
    own = {name: told.pop(name) for name in _OWN_OPTIONS & told.keys()}
    schema = own.get("schema", schema)
    if not SCHEMA_NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise ConfigError(f"schema={schema!r}: a lower-case letter, then letters, digits and underscores, not pg_...")
    listens = own.get("listen", "yes") not in _NO
    netloc = f"{parts.netloc}{parts.path}"
    try:
        known = conninfo_to_dict(f"postgresql://{netloc}?{urlencode(told, quote_via=quote)}")
    except psycopg.Error as error:
        reason = str(error).strip().replace(parts.netloc, "…")
        raise ConfigError(f"write postgres://user:password@host:5432/database, not {_shown(url)}: {reason}") from None
    return Address(
        conninfo=make_conninfo("", **{**_PATIENCE, **known}),
        url=_shown(url),
        schema=schema,
        pool_size=_number(own.get("pool_size", str(pool_size))),
        answer_s=_seconds(own.get("answer_seconds", str(answer_s))),
        listens=listens,
        prepares=listens and own.get("prepare", "yes") not in _NO,
    )


def _shown(url: str) -> str:
    """The URL without its password, wherever it stands."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name != "password"], safe="/")
    shown = f"postgres://{login.partition(':')[0]}{at}{host}{parts.path}"
    return f"{shown}?{query}" if query else shown


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"pool_size={text}: a number of connections, at least 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86_400.0:
        raise ConfigError(f"answer_seconds={text}: a number of seconds, at least 0.1")
    return seconds
