"""One server: a command or a batch in one trip, never repeated; and what a link asks of any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from redis.exceptions import RedisError

from .address import Driver
from .copies import Copied
from .faults import is_read_only

Command = tuple[Any, ...]


class Servers(Protocol):
    """Those that together are one store. Safe to use from several threads."""

    @property
    def is_cluster(self) -> bool: ...

    @property
    def execute(self) -> Callable[..., Any]:
        """One command, one trip."""
        ...

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Several commands, each server's in one trip; an error that one of them was answered stands in its place.
        Raises RedisError when there is no answer at all."""
        ...

    def each(self, commands: Sequence[Command]) -> Iterator[list[Any]]:
        """The same commands to one server after another; the answers of each, errors among them."""
        ...

    def notice(self, error: RedisError) -> None:
        """Learn from an error that nothing here could mend."""
        ...

    def close(self) -> None: ...


class Server:
    """One, or the one that sentinels name: whoever a new connection leads to."""

    is_cluster = False

    def __init__(self, client: Driver, *, is_own: bool) -> None:
        self.execute: Callable[..., Any] = client.execute_command
        self._client = client
        self._is_own = is_own

    def send(self, commands: Sequence[Command]) -> list[Any]:
        return one_trip(self._client, commands)

    def each(self, commands: Sequence[Command]) -> Iterator[list[Any]]:
        yield self.send(commands)

    def notice(self, error: RedisError) -> None:
        """A server that has become a replica has a successor, which is found by connecting anew."""
        if is_read_only(error):
            drop_idle(self._client)

    def close(self) -> None:
        if self._is_own:
            self._client.connection_pool.disconnect()


def drop_idle(client: Driver) -> None:
    """Close the connections that nobody uses just now."""
    try:
        client.connection_pool.disconnect(inuse_connections=False)
    except TypeError:  # a blocking pool of redis-py 6 closes all or none; whoever uses one sends its call again
        client.connection_pool.disconnect()


def one_trip(client: Driver, commands: Sequence[Command]) -> list[Any]:
    """Answers in order, errors among them."""
    if isinstance(client, Copied):
        return client.trip(commands)
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    return answers
