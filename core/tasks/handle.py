"""What `.enqueue()` answers: the job's final id, and a way to its result."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar, cast

from ..model.ident import JobRef
from ..model.snapshot import JobSnapshot

R = TypeVar("R")


class Lookup(Protocol):
    """Where a handle looks its job up: the Jobs that took it."""

    def get(self, job_id: str) -> JobSnapshot | None: ...

    def result(self, job_id: str, *, timeout: float | None) -> Any: ...


class JobHandle(Generic[R]):
    """A job that was enqueued (or waits for its transaction to commit).

    created is False when nothing new was stored because a live job holds the unique key (then `id` is that job's);
    None while a surrounding transaction has not committed.
    """

    __slots__ = ("_lookup", "created", "ref", "task")

    def __init__(self, ref: JobRef, task: str, lookup: Lookup, *, created: bool | None) -> None:
        self.ref = ref
        self.task = task
        self.created = created
        self._lookup = lookup

    @property
    def id(self) -> str:
        return str(self.ref)

    @property
    def queue(self) -> str:
        return self.ref.queue

    def get(self) -> JobSnapshot | None:
        """The job now; None when it is gone, or not there yet."""
        return self._lookup.get(self.id)

    def result(self, *, timeout: float | None = None) -> R:
        """Wait for the job to end and give its result. Raises ResultUnavailable when it ends otherwise, or in
        `timeout` seconds has not ended."""
        return cast(R, self._lookup.result(self.id, timeout=timeout))

    def __repr__(self) -> str:
        return f"<JobHandle {self.id} {self.task}>"
