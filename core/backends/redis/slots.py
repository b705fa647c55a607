"""Which server of a cluster has which slot, as a server told it or corrected it since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from .where import Node


class SlotMap:
    """Slots without a server are None. Several threads may read while one writes."""

    def __init__(self) -> None:
        self._owners: list[Node | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self.nodes: tuple[Node, ...] = ()

    def owner(self, slot: int) -> Node | None:
        return self._owners[slot]

    def correct(self, slot: int, node: Node) -> None:
        """One slot is elsewhere than it was said to be."""
        self._owners[slot] = node
        if node not in self.nodes:
            self.nodes = (*self.nodes, node)

    def replace(self, told: Sequence[Sequence[Any]], teller: Node) -> None:
        """Take over what a server answered to CLUSTER SLOTS."""
        owners: list[Node | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, (host, port, *_), *_replicas in told:
            node = Node(_named(host) or teller.host, int(port) or teller.port)
            owners[int(first) : int(last) + 1] = [node] * (int(last) - int(first) + 1)
        self._owners = owners
        self.nodes = tuple(sorted({node for node in owners if node is not None}))


def slot_of(key: str | bytes) -> int:
    return key_slot(key.encode() if isinstance(key, str) else key)


def node_of(host: str, port: int, teller: Node) -> Node:
    """A server as a redirection names it; without a host it is on the teller's."""
    return Node(_named(host) or teller.host, port)


def _named(host: bytes | str | None) -> str:
    name = host.decode() if isinstance(host, bytes) else host or ""
    return "" if name == "?" else name


def key_of(command: Sequence[Any]) -> str | bytes | None:
    """The first key of a command; None for one without."""
    if command[0] in ("EVALSHA", "EVAL"):
        key: str | bytes = command[3]
        return key
    return command[1] if len(command) > 1 else None


def grouped(places: Iterable[tuple[int, Node]]) -> dict[Node, list[int]]:
    """Numbers of commands by the server that they go to."""
    groups: dict[Node, list[int]] = {}
    for index, node in places:
        groups.setdefault(node, []).append(index)
    return groups
