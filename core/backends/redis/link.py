"""The link to the store's servers: scripts by their digest, batches in one trip, the driver's errors as the store's."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from redis.exceptions import MovedError, NoScriptError, RedisError

from ...errors import ConfigError, JobsError, StoreFormatError, StoreUnavailable
from ..contract import FORMAT
from .address import Address
from .cluster import PATIENCE_SECONDS, Cluster
from .faults import is_out_of_reach, store_error
from .keys import Keys
from .scripts import Script, load_scripts
from .server import Command, Server, Servers

log = logging.getLogger(__name__)

_FLAGS_SINCE: Final = 7  # the first Redis whose scripts say in their first line what they may do
_MOST_PREFIXES: Final = 4096
_PATIENCE_IN_ANSWERS: Final = 6  # who wants answers sooner also waits less for a slot that is being moved
# No key has this end. While a slot is being moved its server runs a script only if it has all the keys that the script
# declares: with this one among them it runs none. Else a script that empties a key could not touch it again a line
# later, and would break off half way.
_NEVER: Final = b":never"


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
        self._address = address
        self._keys = keys
        self._scripts = load_scripts(with_flags=False)
        self._prefixes: dict[tuple[str, str], Command] = {}
        self._use(*(self._cluster() if address.is_cluster else self._one_server()))

    @property
    def is_cluster(self) -> bool:
        return self._servers.is_cluster

    def prepare(self) -> None:
        """Look at the servers, say or read who the store is, and load the scripts. Repeatable."""
        facts = self._facts()
        if facts[0].get("cluster_enabled") == 1 and self._turn_to_the_cluster():
            facts = self._facts()
        for policy in dict.fromkeys(each.get("maxmemory_policy") for each in facts):
            check_eviction(policy, self.url)
        self.store_id = self._identify()
        self._load(load_scripts(with_flags=all(_has_flags(each.get("redis_version")) for each in facts)))

    def ping(self) -> None:
        """Of a cluster every server has to answer: each has a part of the queues."""
        try:
            for answers in self._pinging.each([("PING",)]):
                self._checked(answers)
        except RedisError as error:
            raise self._fault(error) from error

    def close(self) -> None:
        self._servers.close()
        self._pinging.close()
        self._address.close()

    # Calls

    def run(self, script: str, queue: str, *arguments: Any) -> Any:
        """One script, one trip."""
        try:
            try:
                return self._execute(*self._prefix(script, queue), *arguments)
            except (NoScriptError, MovedError) as error:  # it did not run: the server is another one than before
                self._look_anew(error)
                return self._execute(*self._whole(script, queue), *arguments)
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
        replies = self._send([*first, *((*self._prefix(call.script, call.queue), *call.arguments) for call in calls)])
        firsts, answers = replies[: len(first)], replies[len(first) :]
        missing = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:
            self._look_anew(answers[missing[0]])
            calls_again = [calls[index] for index in missing]
            again = self._send([(*self._whole(call.script, call.queue), *call.arguments) for call in calls_again])
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

    def _send(self, commands: Sequence[Command]) -> list[Any]:
        try:
            answers = self._servers.send(commands)
            moved = [index for index, answer in enumerate(answers) if isinstance(answer, MovedError)]
            if moved and self._turn_to_the_cluster():
                again = self._servers.send([commands[index] for index in moved])
                for index, answer in zip(moved, again, strict=True):
                    answers[index] = answer
            return answers
        except RedisError as error:
            raise self._fault(error) from error

    def _checked(self, answers: list[Any]) -> list[Any]:
        for answer in answers:
            if isinstance(answer, RedisError):
                raise self._fault(answer) from answer
        return answers

    def _fault(self, error: RedisError) -> JobsError:
        self._servers.notice(error)
        return store_error(error, self.url)

    def _prefix(self, name: str, queue: str) -> Command:
        """EVALSHA, digest and keys; the same for every call of a script for a queue."""
        prefix = self._prefixes.get((name, queue))
        if prefix is None:
            script = self._scripts[name]
            keys = [self._keys.named(key, queue).encode() for key in script.keys]
            if self.is_cluster:
                keys.append(keys[0] + _NEVER)
            prefix = ("EVALSHA", script.digest, len(keys), *keys)
            if len(self._prefixes) >= _MOST_PREFIXES:
                self._prefixes.clear()
            self._prefixes[name, queue] = prefix
        return prefix

    def _whole(self, name: str, queue: str) -> Command:
        """The script with its text, for a server that may not know it even now."""
        return ("EVAL", self._scripts[name].text, *self._prefix(name, queue)[2:])

    # The servers

    def _use(self, servers: Servers, pinging: Servers) -> None:
        self._servers, self._pinging = servers, pinging
        self._execute = servers.execute
        self._prefixes = {}

    def _one_server(self) -> tuple[Servers, Servers]:
        address = self._address
        client, pinging = address.client(), address.pinging_client()
        return Server(client, is_own=address.owns(client)), Server(pinging, is_own=address.owns(pinging))

    def _cluster(self) -> tuple[Servers, Servers]:
        patience_s = min(PATIENCE_SECONDS, _PATIENCE_IN_ANSWERS * self._address.answer_s)
        home, seeds = self._keys.of_store("store"), self._address.seeds()
        return (
            Cluster(seeds, self._address.client_of, home=home, patience_s=patience_s),
            Cluster(seeds, self._address.quick_client_of, home=home, patience_s=0),
        )

    def _turn_to_the_cluster(self) -> bool:
        """Whether the one server turned out to be one of several."""
        if self.is_cluster or not self._address.can_be_of_a_cluster:
            return False
        self._use(*self._cluster())
        return True

    def _look_anew(self, error: RedisError) -> None:
        if isinstance(error, MovedError):
            self._turn_to_the_cluster()
        # In a cluster the store's own keys may be out of reach while those of a queue are not.
        with suppress(*([StoreUnavailable] if self.is_cluster else [])):
            self.prepare()

    def _facts(self) -> list[dict[str, Any]]:
        """What INFO tells, by server; managed ones may forbid it, wholly or in part."""
        asked = [("INFO", name) for name in ("server", "memory", "cluster")]
        away: RedisError | None = None
        found: list[dict[str, Any]] = []
        try:
            for sections in self._servers.each(asked):
                away = next((section for section in sections if is_out_of_reach(section)), away)
                if not any(map(is_out_of_reach, sections)):
                    known = [section for section in sections if isinstance(section, dict)]
                    found.append({name: fact for section in known for name, fact in section.items()})
        except RedisError as error:
            raise self._fault(error) from error
        if away is not None and not found:
            raise self._fault(away) from away
        return found

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
        for answers in self._servers.each([("SCRIPT LOAD", script.text) for script in scripts.values()]):
            if not (self.is_cluster and is_out_of_reach(answers[0])):  # it is sent them when it is back
                self._checked(answers)
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
