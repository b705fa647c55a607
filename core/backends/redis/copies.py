"""Calls that count only once replicas have what they wrote: a failover then finds it on the replica that takes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

Command = tuple[Any, ...]


class TooFewCopiesError(RedisError):
    """What was asked for was done, but fewer replicas than wanted have it so far."""


class Copied:
    """A client whose every trip ends with WAIT. It takes what the server reports; it makes nothing atomic."""

    def __init__(self, client: Any, *, replicas: int, seconds: float) -> None:
        self.connection_pool = client.connection_pool
        self._client = client
        self._replicas = replicas
        self._wait: Command = ("WAIT", replicas, int(seconds * 1000))

    def execute_command(self, *command: Any) -> Any:
        [answer] = self.trip([command])
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def trip(self, commands: Sequence[Command]) -> list[Any]:
        """Answers in order, errors among them. Raises TooFewCopiesError when any of them was done."""
        pipeline = self._client.pipeline(transaction=False)
        for command in (*commands, self._wait):
            pipeline.execute_command(*command)
        answers: list[Any]
        *answers, copies = pipeline.execute(raise_on_error=False)
        if isinstance(copies, RedisError):
            raise copies
        if copies < self._replicas and not all(isinstance(answer, RedisError) for answer in answers):
            raise TooFewCopiesError(f"{copies} of {self._replicas} replicas have it")
        return answers
