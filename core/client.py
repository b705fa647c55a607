"""The door in: requests become jobs under ids made here, sent once, and sent again after a lost reply."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .backends.contract import Backend
from .config import Config
from .errors import StoreUnavailable
from .model.ident import new_raw
from .model.job import NewJob, Receipt
from .model.partition import Partitions
from .model.payload import read_json
from .tasks.handle import JobHandle, Lookup
from .tasks.options import make_using
from .tasks.registry import Registry
from .tasks.request import JobRequest

_RESEND_AFTER_S = 0.05


@dataclass(frozen=True, slots=True)
class Taken:
    """What a unit of work took over. receipts: of jobs that are stored, and seen by others once the caller commits;
    None: they are stored when it has committed."""

    receipts: Sequence[Receipt] | None = None


class UnitOfWork(Protocol):
    """How an enqueue joins a caller's transaction; implemented where the transaction lives."""

    def take(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        """Take jobs over, to be stored when the surrounding transaction commits and never if it rolls back. None:
        there is no transaction to wait for, send them now."""
        ...

    async def atake(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        """The same for async code, whose transaction may be another thread's."""
        ...


class NoUnitOfWork:
    """No transactions to wait for."""

    def take(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        return None

    async def atake(self, jobs: Sequence[NewJob], client: Client) -> Taken | None:
        return None


class Client:
    """Everything that enqueues goes through here."""

    def __init__(
        self, backend: Backend, registry: Registry, config: Config, unit_of_work: UnitOfWork, lookup: Lookup
    ) -> None:
        self.backend = backend
        self._registry = registry
        self._config = config
        self._unit_of_work = unit_of_work
        self._lookup = lookup
        self._partitions = Partitions(config.partitions)

    def enqueue(self, requests: Sequence[JobRequest]) -> list[JobHandle[Any]]:
        """Store jobs, all of one queue or none as far as the store does not cut them (contract.Intake.enqueue);
        handles in the order given.

        Inside a transaction that the unit of work knows they come with its commit; the ids are final at once.
        """
        jobs = self._as_new(requests)
        taken = self._unit_of_work.take(jobs, self) if jobs else None
        return self._handles(jobs, taken or Taken(self.send(jobs)))

    async def aenqueue(
        self,
        requests: Sequence[JobRequest],
        in_thread: Callable[[Callable[[], list[Receipt]]], Awaitable[list[Receipt]]],
    ) -> list[JobHandle[Any]]:
        """Like `enqueue`. in_thread: runs a call where it may wait."""
        jobs = self._as_new(requests)
        taken = await self._unit_of_work.atake(jobs, self) if jobs else None
        return self._handles(jobs, taken or Taken(await in_thread(lambda: self.send(jobs))))

    def send(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        """Store jobs now. A lost reply is answered by sending once more: the ids make a repeat harmless."""
        if not jobs:
            return []
        try:
            return self.backend.enqueue(jobs)
        except StoreUnavailable:
            time.sleep(_RESEND_AFTER_S)
            return self._as_first_sent(jobs, self.backend.enqueue(jobs))

    def request(self, task: str, arguments: Mapping[str, Any], **options: Any) -> JobRequest:
        """A checked request for a task by name, as doors make it from data.

        Raises UnknownTask, InvalidArguments, InvalidInput.
        """
        declared = self._registry.find(task)
        declared.arguments.require(arguments)
        return declared.request_for(arguments, make_using(options), max_attempts=self._config.max_attempts)

    def request_json(self, task: str, arguments: bytes, **options: Any) -> JobRequest:
        """Like `request`, from a stranger's JSON."""
        return self.request(task, read_json(arguments, path="$.arguments"), **options)

    def _as_new(self, requests: Sequence[JobRequest]) -> list[NewJob]:
        jobs = [request.as_new(new_raw()) for request in requests]
        return [self._partitions.route(job) for job in jobs] if self._partitions.counts else jobs

    def _handles(self, jobs: Sequence[NewJob], taken: Taken) -> list[JobHandle[Any]]:
        if taken.receipts is None:
            return [JobHandle(job.ref, job.task, self._lookup, created=None) for job in jobs]
        return [
            JobHandle(receipt.ref, job.task, self._lookup, created=receipt.created)
            for job, receipt in zip(jobs, taken.receipts, strict=True)
        ]

    @staticmethod
    def _as_first_sent(jobs: Sequence[NewJob], receipts: list[Receipt]) -> list[Receipt]:
        """After a resend, "was there already" under its own id means that the first call had stored it."""
        return [
            Receipt(receipt.ref, created=True) if receipt.ref == job.ref else receipt
            for job, receipt in zip(jobs, receipts, strict=True)
        ]
