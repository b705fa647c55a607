"""A job that was asked for and checked, before it is sent: what `.request()` makes and `enqueue_many` takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from ..errors import InvalidArguments
from ..model.gate import Gate
from ..model.job import JobOptions, NewJob, Step, pack_options
from .options import Using

_PATH = "$.arguments"


@dataclass(frozen=True, slots=True)
class TaskDefaults:
    """What a task says about every job of it."""

    queue: str = "default"
    priority: int = 0
    max_attempts: int = 4
    keep_result: bool = True
    expires_in: timedelta | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """One checked job: packed arguments, and where and how it runs."""

    task: str
    arguments: bytes
    defaults: TaskDefaults
    using: Using
    schedule: str = ""
    parent: str = ""
    steps: tuple[Step, ...] = ()
    gate: Gate | None = None
    missing: tuple[str, ...] = ()  # required arguments that it lacks: allowed in a chain only

    @property
    def queue(self) -> str:
        return self.using.queue or self.defaults.queue

    @property
    def max_attempts(self) -> int:
        using = self.using
        if using.max_attempts is not None:
            return using.max_attempts
        return using.retry.max_attempts if using.retry is not None else self.defaults.max_attempts

    @property
    def priority(self) -> int:
        return self.defaults.priority if self.using.priority is None else self.using.priority

    def followed_by(self, steps: tuple[Step, ...]) -> JobRequest:
        return replace(self, steps=steps)

    def options(self) -> JobOptions:
        using = self.using
        keep = self.defaults.keep_result if using.keep_result is None else using.keep_result
        expires_ms, expires_at_ms = using.expires(self.defaults.expires_in)
        return JobOptions(
            timeout_ms=using.timeout_ms,
            backoff=None if using.retry is None else using.retry.as_data(),
            metadata=dict(using.metadata or {}),
            keep_result=keep,
            parent=self.parent,
            schedule=self.schedule,
            steps=list(self.steps),
            expires_ms=expires_ms,
            expires_at_ms=expires_at_ms,
        )

    def as_new(self, raw: bytes) -> NewJob:
        """The job under an id, as a store takes it."""
        if self.missing:
            raise InvalidArguments(f"{self.task} lacks {', '.join(self.missing)}", path=_PATH)
        using = self.using
        return NewJob(
            queue=self.queue,
            raw=raw,
            task=self.task,
            arguments=self.arguments,
            options=pack_options(self.options()),
            priority=self.priority,
            max_attempts=self.max_attempts,
            delay_ms=using.delay_ms,
            run_at_ms=using.run_at_ms,
            unique_key=using.unique_key or "",
            unique=using.unique,
            unique_ms=using.unique_ms,
            gate=self.gate,
        )

    def as_step(self) -> Step:
        """The job as a later step of a chain; the one argument it may lack is fed by the step before."""
        if len(self.missing) > 1:
            raise InvalidArguments(f"{self.task} lacks {', '.join(self.missing)}; a step may lack one", path=_PATH)
        return Step(
            task=self.task,
            queue=self.queue,
            arguments=self.arguments,
            options=pack_options(self.options()),
            priority=self.priority,
            max_attempts=self.max_attempts,
            delay_ms=self.using.delay_ms,
            takes_result=self.missing[0] if self.missing else "",
            gate=self.gate,
        )
