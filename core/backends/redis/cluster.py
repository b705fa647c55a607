"""A cluster: each command to the server that has its key, and again only where a server said that it did not run it.

MOVED, ASK, TRYAGAIN and CLUSTERDOWN are answers instead of a run: such a command goes elsewhere, or again a little
later. A command without an answer may have run, and is never repeated here.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError

from .address import Driver, MakeClient
from .faults import is_out_of_reach, is_read_only
from .server import Command, drop_idle, one_trip
from .slots import SlotMap, grouped, key_of, node_of, slot_of
from .where import Node

PATIENCE_SECONDS: Final = 30.0
_FIRST_REST_SECONDS: Final = 0.01
_LONGEST_REST_SECONDS: Final = 0.25
_LEAST_BETWEEN_MAPS_SECONDS: Final = 0.1
_AT_ONCE: Final = 4  # redirections that are followed without a rest in between
_DID_NOT_RUN: Final = (AskError, TryAgainError, ClusterDownError)  # MovedError is an AskError


class _NotSentError(TryAgainError):
    """Stands where an answer will be."""


class Cluster:
    """patience_s: how long a command waits for a slot that is being moved, or has lost its server."""

    is_cluster = True

    def __init__(self, seeds: Sequence[Node], make_client: MakeClient, *, home: str, patience_s: float) -> None:
        self._seeds = tuple(seeds)
        self._make_client = make_client
        self._home = home
        self._patience_s = patience_s
        self._map = SlotMap()
        self._clients: dict[Node, Driver] = {}
        self._lock = threading.Lock()
        self._mapping = threading.Lock()
        self._is_stale, self._mapped_at = True, float("-inf")
        self._teller: Node | None = None
        self._failed_at: dict[Node, float] = {}
        self._closed = threading.Event()

    # What a link asks

    def execute(self, *command: Any) -> Any:
        """One command. Its key names the server; without one it goes to the server of the store's own keys."""
        node = self._owner(command)
        if node is None:
            return self._insist(command, ClusterDownError("no server has its slot"), {})
        try:
            return self._client(node).execute_command(*command)
        except _DID_NOT_RUN as error:
            detours: dict[int, Node] = {}
            self._learn(0, error, node, detours)
            return self._insist(command, error, detours)
        except RedisError as error:
            self._suspect(node, error)
            raise

    def send(self, commands: Sequence[Command]) -> list[Any]:
        return self._deliver(commands, [_NotSentError() for _ in commands], {})

    def each(self, commands: Sequence[Command]) -> Iterator[list[Any]]:
        if self._is_stale:
            self._refresh(least_s=0)
        for node in self._map.nodes:
            yield self._trip(node, commands)

    def notice(self, error: RedisError) -> None:
        if is_out_of_reach(error) or is_read_only(error):
            self._is_stale = True

    def close(self) -> None:
        """Ends the rests of those who wait. What is used afterwards connects anew."""
        closed, self._closed = self._closed, threading.Event()
        closed.set()
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            drop_idle(client)

    # Delivery

    def _insist(self, command: Command, error: RedisError, detours: dict[int, Node]) -> Any:
        [answer] = self._deliver([command], [error], detours)
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def _deliver(self, commands: Sequence[Command], answers: list[Any], detours: dict[int, Node]) -> list[Any]:
        """Send what did not run yet until all of it did, or patience is at its end. detours: where an ASK led."""
        patience = _Patience(self._patience_s, self._closed)
        while unsent := [index for index, answer in enumerate(answers) if isinstance(answer, _DID_NOT_RUN)]:
            if not patience.goes_on([answers[index] for index in unsent]):
                return [_given_up(answer) for answer in answers]
            self._round(commands, answers, unsent, detours)
        return answers

    def _round(
        self, commands: Sequence[Command], answers: list[Any], unsent: Sequence[int], detours: dict[int, Node]
    ) -> None:
        places: list[tuple[int, Node]] = []
        for index in unsent:
            node = detours.get(index) or self._owner(commands[index])
            if node is None:
                answers[index] = ClusterDownError("no server has its slot")
                self._is_stale = True
            else:
                places.append((index, node))
        asked, next_detours = dict(detours), detours
        next_detours.clear()
        for node, indexes in grouped(places).items():
            asking = {number for number, index in enumerate(indexes) if index in asked}
            replies = self._trip(node, [commands[index] for index in indexes], asking)
            for index, reply in zip(indexes, replies, strict=True):
                answers[index] = reply
                self._learn(index, reply, node, next_detours)

    def _trip(self, node: Node, commands: Sequence[Command], asking: set[int] | None = None) -> list[Any]:
        """One server's commands; without an answer each has the error in its place."""
        batch: list[Command] = []
        for number, command in enumerate(commands):
            batch += [("ASKING",), command] if asking and number in asking else [command]
        try:
            answers = one_trip(self._client(node), batch)
        except RedisError as error:
            self._suspect(node, error)
            return [error] * len(commands)
        return [answer for answer, command in zip(answers, batch, strict=True) if command != ("ASKING",)]

    def _learn(self, index: int, reply: object, node: Node, detours: dict[int, Node]) -> None:
        """What an answer says about where slots are."""
        if not isinstance(reply, _DID_NOT_RUN):
            return
        if isinstance(reply, MovedError):
            self._teller = node_of(reply.host, reply.port, node)
            self._map.correct(reply.slot_id, self._teller)
            self._is_stale = True
        elif isinstance(reply, AskError):
            detours[index] = node_of(reply.host, reply.port, node)
        else:
            self._is_stale = True

    # The map

    def _owner(self, command: Command) -> Node | None:
        if self._is_stale:
            self._refresh()
        key = key_of(command)
        return self._map.owner(slot_of(self._home if key is None else key))

    def _refresh(self, least_s: float = _LEAST_BETWEEN_MAPS_SECONDS) -> None:
        """Ask where the slots are; who already has a map does not wait for one who asks."""
        if not self._mapping.acquire(blocking=not self._map.nodes):
            return
        try:
            if time.monotonic() - self._mapped_at >= least_s or not self._map.nodes:
                self._is_stale = False  # before the question: what is learned meanwhile asks again
                self._ask_for_the_map()
                self._mapped_at = time.monotonic()
        finally:
            self._mapping.release()

    def _ask_for_the_map(self) -> None:
        """The first server that knows is believed; those that failed lately are asked last."""
        last: RedisError = ClusterDownError("no server of the cluster knows where its slots are")
        for node in self._tellers():
            try:
                # Two words, so that the driver does not parse the answer, which differs between its versions.
                told = self._client(node).execute_command("CLUSTER", "SLOTS")
            except RedisError as error:
                last = error
                self._suspect(node, error)
                continue
            if told:
                self._map.replace(told, node)
                self._forget_strangers()
                return
        self._is_stale = True
        if not self._map.nodes:
            raise last

    def _tellers(self) -> list[Node]:
        known = dict.fromkeys([*([self._teller] if self._teller else []), *self._map.nodes, *self._seeds])
        return sorted(known, key=lambda node: self._failed_at.get(node, 0.0))

    def _suspect(self, node: Node, error: RedisError) -> None:
        """A server that does not answer may have a successor."""
        if is_out_of_reach(error):
            self._failed_at[node] = time.monotonic()
            self._is_stale = True

    # Clients

    def _client(self, node: Node) -> Driver:
        client = self._clients.get(node)
        if client is None:
            with self._lock:
                client = self._clients.setdefault(node, self._make_client(node))
        return client

    def _forget_strangers(self) -> None:
        """Close what leads to servers that are of no cluster any more, or have become replicas."""
        wanted = set(self._map.nodes)
        with self._lock:
            gone = [self._clients.pop(node) for node in set(self._clients) - wanted]
            for node in set(self._failed_at) - wanted - set(self._seeds):
                self._failed_at.pop(node, None)
        for client in gone:
            drop_idle(client)


class _Patience:
    """Rests between rounds, longer each time, until its time is over."""

    def __init__(self, seconds: float, closed: threading.Event) -> None:
        self._until = time.monotonic() + seconds
        self._closed = closed
        self._redirected = 0
        self._rest_s = _FIRST_REST_SECONDS

    def goes_on(self, answers: Sequence[RedisError]) -> bool:
        """Whether to send again what was answered so; returns when it is time to."""
        if all(isinstance(answer, _NotSentError) for answer in answers):
            return True
        if all(isinstance(answer, AskError) for answer in answers) and self._redirected < _AT_ONCE:
            self._redirected += 1
            return True
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            return False
        rest_s, self._rest_s = self._rest_s, min(2 * self._rest_s, _LONGEST_REST_SECONDS)
        return not self._closed.wait(min(left_s, rest_s * (0.5 + random.random() / 2)))  # noqa: S311 - jitter


def _given_up(answer: Any) -> Any:
    """A redirection that led nowhere is a slot on its way."""
    return TryAgainError(f"sent on to and fro: {answer}") if isinstance(answer, AskError) else answer
