"""The link to one server: scripts by their digest, commands in one trip, and the driver's errors as the store's."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from redis.exceptions import NoScriptError, RedisError

from ...errors import ConfigError, StoreError, StoreFormatError
from ..contract import FORMAT
from .address import Address
from .faults import is_out_of_reach, is_read_only, store_error
from .keys import Keys
from .scripts import Script, load_scripts

log = logging.getLogger(__name__)

_FLAGS_SINCE: Final = 7  # the first Redis whose scripts say in their first line what they may do
_MOST_PREFIXES: Final = 4096


class Call(NamedTuple):
    """One script for one queue; `queue` is empty for the scripts of the whole store."""

    script: str
    queue: str
    arguments: Sequence[Any]


class Link:
    """Safe to use from several threads."""

    def __init__(self, address: Address, keys: Keys) -> None:
        self.url = address.url
        self.store_id = ""
        self.is_cluster = False
        self._address = address
        self._keys = keys
        self._client = address.client()
        self._pinging = address.pinging_client()
        self._scripts = load_scripts(with_flags=False)
        self._prefixes: dict[tuple[str, str], tuple[Any, ...]] = {}

    def prepare(self) -> None:
        """Look at the server, say or read who the store is, and load the scripts. Repeatable."""
        facts = self._facts()
        self.is_cluster = facts.get("cluster_enabled") == 1
        check_eviction(facts.get("maxmemory_policy"), self.url)
        self.store_id = self._identify()
        self._load(load_scripts(with_flags=_has_flags(facts.get("redis_version"))))

    def ping(self) -> None:
        try:
            self._pinging.execute_command("PING")
        except RedisError as error:
            raise self._fault(error) from error

    def close(self) -> None:
        for client in (self._client, self._pinging):
            if self._address.owns(client):
                client.connection_pool.disconnect()

    # Calls

    def run(self, script: str, queue: str, *arguments: Any) -> Any:
        """One script, one trip."""
        try:
            try:
                return self._client.execute_command(*self._prefix(script, queue), *arguments)
            except NoScriptError:  # the server is another one than before, or its scripts were flushed
                self.prepare()
                return self._client.execute_command(*self._prefix(script, queue), *arguments)
        except RedisError as error:
            raise self._fault(error) from error

    def run_all(self, calls: Sequence[Call], *, first: Sequence[tuple[Any, ...]] = ()) -> list[Any]:
        """Several scripts in one trip; answers theirs. first: commands sent before them, whose errors do not matter.

        The first error of a script is raised when all have been answered.
        """
        return self._checked(self._trip(first, calls)[1])

    def run_beside(self, command: tuple[Any, ...], calls: Sequence[Call]) -> tuple[Any, list[Any]]:
        """A plain command and scripts in one trip; the answer of the command, and theirs."""
        firsts, answers = self._trip([command], calls)
        return self._checked(firsts)[0], self._checked(answers)

    def _trip(self, first: Sequence[tuple[Any, ...]], calls: Sequence[Call]) -> tuple[list[Any], list[Any]]:
        if not first and not calls:
            return [], []
        replies = self._send([*first, *(self._command(call) for call in calls)])
        firsts, answers = replies[: len(first)], replies[len(first) :]
        missing = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:
            self.prepare()
            again = self._send([self._command(calls[index]) for index in missing])
            for index, answer in zip(missing, again, strict=True):
                answers[index] = answer
        return firsts, answers

    def command(self, *parts: Any) -> Any:
        """One plain command."""
        [answer] = self.commands([parts])
        return answer

    def commands(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Several plain commands in one trip."""
        return self._checked(self._send(commands))

    def _send(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        try:
            pipeline = self._client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
            return answers
        except RedisError as error:
            raise self._fault(error) from error

    def _checked(self, answers: list[Any]) -> list[Any]:
        for answer in answers:
            if isinstance(answer, RedisError):
                raise self._fault(answer) from answer
        return answers

    def _fault(self, error: RedisError) -> StoreError:
        if is_read_only(error):
            self._client.connection_pool.disconnect(inuse_connections=False)
        return store_error(error, self.url)

    def _command(self, call: Call) -> tuple[Any, ...]:
        return (*self._prefix(call.script, call.queue), *call.arguments)

    def _prefix(self, name: str, queue: str) -> tuple[Any, ...]:
        """EVALSHA, digest and keys; the same for every call of a script for a queue."""
        prefix = self._prefixes.get((name, queue))
        if prefix is None:
            script = self._scripts[name]
            keys = [self._keys.named(key, queue).encode() for key in script.keys]
            prefix = ("EVALSHA", script.digest, len(keys), *keys)
            if len(self._prefixes) >= _MOST_PREFIXES:
                self._prefixes.clear()
            self._prefixes[name, queue] = prefix
        return prefix

    # The server

    def _facts(self) -> dict[str, Any]:
        """What INFO tells; managed servers may forbid it, wholly or in part."""
        facts: dict[str, Any] = {}
        for section in self._send([("INFO", name) for name in ("server", "memory", "cluster")]):
            if isinstance(section, dict):
                facts |= section
            elif is_out_of_reach(section):
                raise self._fault(section) from section
        return facts

    def _identify(self) -> str:
        """The store's id; the first to ask makes it."""
        key = self._keys.of_store("store")
        made, number = self.command("HMGET", key, "id", "format")
        if made is None or number is None:
            new = [("HSETNX", key, "id", uuid.uuid4().hex), ("HSETNX", key, "format", FORMAT)]
            *_, (made, number) = self.commands([*new, ("HMGET", key, "id", "format")])
        if int(number) > FORMAT:
            raise StoreFormatError(
                f"the store in Redis at {self.url} has format {int(number)}, this program knows {FORMAT}: "
                "upgrade this process"
            )
        return bytes(made).decode()

    def _load(self, scripts: Mapping[str, Script]) -> None:
        self.commands([("SCRIPT LOAD", script.text) for script in scripts.values()])
        self._scripts = scripts
        self._prefixes = {}


def check_eviction(policy: str | None, url: str) -> None:
    """Refuse a server that may evict jobs. Jobs never expire, so a `volatile-` policy passes them by."""
    if policy is None:
        log.warning("Redis at %s does not tell its maxmemory-policy: make sure that it is noeviction", url)
    elif policy.startswith("allkeys-"):
        raise ConfigError(
            f"Redis at {url} has the maxmemory-policy {policy}: it may drop jobs when memory is short; "
            "set it to noeviction"
        )


def _has_flags(version: Any) -> bool:
    """Without a version the plain form is right: every server takes it."""
    major = str(version or "").partition(".")[0]
    return major.isdigit() and int(major) >= _FLAGS_SINCE
