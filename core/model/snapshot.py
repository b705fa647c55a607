"""A job as code that asks for it sees it: decoded, with datetimes; a picture of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from .clock import from_ms
from .gate import waits_for
from .job import JobOptions, StoredJob, ready_ms_of, unpack_options
from .outcome import AttemptLine, ErrorDetail
from .payload import unpack_data
from .progress import Progress, unpack_checkpoint, unpack_progress
from .states import State

_read_line = msgspec.msgpack.Decoder(AttemptLine).decode
_read_error = msgspec.msgpack.Decoder(ErrorDetail).decode


@dataclass(frozen=True)
class JobSnapshot:
    """A job at the moment it was read. Times are aware datetimes in UTC, None for "not yet"."""

    stored: StoredJob

    @property
    def id(self) -> str:
        return str(self.stored.ref)

    @property
    def queue(self) -> str:
        return self.stored.ref.queue

    @property
    def task(self) -> str:
        return self.stored.task

    @property
    def state(self) -> State:
        return self.stored.state

    @property
    def priority(self) -> int:
        return self.stored.priority

    @property
    def attempts(self) -> int:
        """How often its handler was started."""
        return self.stored.attempts

    @property
    def tries(self) -> int:
        """Attempts that count against max_attempts."""
        return self.stored.tries

    @property
    def crashes(self) -> int:
        """How often its process died while it ran there alone."""
        return self.stored.crashes

    @property
    def max_attempts(self) -> int:
        return self.stored.max_attempts

    @property
    def reason(self) -> str:
        """Why it is held, dead or cancelled, in words; empty when there is nothing to say."""
        return waits_for(self.stored.held_at, self.stored.reason) or self.stored.reason

    @cached_property
    def arguments(self) -> dict[str, Any]:
        data: dict[str, Any] = unpack_data(self.stored.arguments)
        return data

    @cached_property
    def options(self) -> JobOptions:
        return unpack_options(self.stored.options)

    @property
    def metadata(self) -> dict[str, Any]:
        return self.options.metadata

    @cached_property
    def result(self) -> Any:
        """What the handler returned; None when there is none."""
        return None if self.stored.result is None else unpack_data(self.stored.result)

    @cached_property
    def error(self) -> ErrorDetail | None:
        """Why its newest failed attempt failed."""
        return None if self.stored.error is None else _read_error(self.stored.error)

    @cached_property
    def progress(self) -> Progress | None:
        """How far its handler said it is: done, total, message, ratio; None when it said nothing, or has completed."""
        return None if self.stored.progress is None else unpack_progress(self.stored.progress)

    @cached_property
    def checkpoint(self) -> Any:
        """Where its next attempt goes on from; None when there is no such place, or it has completed."""
        return unpack_checkpoint(self.stored.checkpoint)

    @property
    def log(self) -> str:
        """What its newest attempt that logged anything logged: at most 64 KiB."""
        return self.stored.log.decode("utf-8", "replace")

    @cached_property
    def lines(self) -> tuple[AttemptLine, ...]:
        """Its newest ten attempts that ended, oldest first."""
        return tuple(_read_line(line) for line in self.stored.lines)

    @property
    def created_at(self) -> datetime:
        return from_ms(self.stored.enqueued_ms)

    @property
    def ready_at(self) -> datetime | None:
        """Since when it waits for a worker, while it is pending."""
        return from_ms(ready_ms_of(self.stored.score)) if self.state is State.PENDING else None

    @property
    def due_at(self) -> datetime | None:
        """When it runs next, while it is scheduled or failed."""
        return _moment(self.stored.due_ms)

    @property
    def started_at(self) -> datetime | None:
        """When the running attempt was claimed, or the newest ended one began."""
        if self.stored.claimed_ms:
            return from_ms(self.stored.claimed_ms)
        return from_ms(self.lines[-1].started_ms) if self.lines else None

    @property
    def finished_at(self) -> datetime | None:
        return _moment(self.stored.finished_ms)


def _moment(at_ms: int) -> datetime | None:
    return from_ms(at_ms) if at_ms else None
